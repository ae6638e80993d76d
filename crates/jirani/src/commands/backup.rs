//! `jirani backup`: a copy of the store while the node runs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
};

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where to, on the node's machine: a folder that is absent or empty
    dir: PathBuf,
    #[command(flatten)]
    admin: AdminArgs,
}

impl BackupArgs {
    /// Asks the running node, since only it knows a moment at which its files agree.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let dir = std::path::absolute(&self.dir).map_err(|error| {
            Failure::Refused(format!("{} is no folder: {error}", self.dir.display()))
        })?;
        let Some(dir) = dir.to_str() else {
            return Err(Failure::Refused(format!("{} is no text in UTF-8", dir.display())));
        };
        let answer = self.admin.query(
            "mutation($dir: String!) {
                backup(dir: $dir) { backup { lastSequence segments journalBytes } }
            }",
            &json!({ "dir": dir }),
        )?;
        let backup = &answer["backup"]["backup"];
        let lines = [
            format!("backed up to {dir}, up to transfer {}", plain(&backup["lastSequence"])),
            format!("check it with  jirani ledger verify --data-dir {dir}"),
        ];
        print(&self.admin, backup, &lines)
    }
}
