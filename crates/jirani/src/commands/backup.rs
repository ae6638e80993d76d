//! `jirani backup`: a copy of the store while the node runs.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use clap::Args;
use ilp_admin_client::node::MakeBackup;
use ilp_operator::BACKUP_INVITATION;

use super::{
    Failure,
    admin_client::{AdminArgs, print},
};

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Destination on the node's machine: a folder that is absent or empty
    dir: PathBuf,
    #[command(flatten)]
    admin: AdminArgs,
}

impl BackupArgs {
    /// Asks the running node for a backup, since only the node knows a moment at which its files
    /// agree.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let dir = std::path::absolute(&self.dir).map_err(|error| {
            Failure::Refused(format!("{} is no folder: {error}", self.dir.display()))
        })?;
        let Some(text) = dir.to_str() else {
            return Err(Failure::Refused(format!("{} is no text in UTF-8", dir.display())));
        };
        // A node without a secret accepts any local user as the operator, so it writes only where
        // the folder's owner has left an invitation.
        let invitation =
            if self.admin.has_secret()? { None } else { Some(Invitation::leave(&dir)?) };
        let answer = self.admin.ask(MakeBackup { dir: text.to_owned() });
        if let (Some(invitation), Err(_)) = (invitation, &answer) {
            invitation.take_back();
        }
        let backup = answer?;
        let lines = [
            format!("backed up to {text}, up to transfer {}", backup.last_sequence),
            format!("check it with  jirani ledger verify --data-dir {text}"),
        ];
        print(&self.admin, &backup, &lines)
    }
}

/// The node's permission to write a backup into a directory, which only the directory's owner can
/// give.
struct Invitation<'a> {
    dir: &'a Path,
    /// Whether the directory was made for the backup.
    is_new: bool,
}

impl<'a> Invitation<'a> {
    /// Makes the directory if it is absent, for this user alone, and puts the invitation file into
    /// it.
    fn leave(dir: &'a Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::Refused(format!("{} can't be prepared for a backup: {error}", dir.display()))
        };
        let is_new = match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        match File::create_new(dir.join(BACKUP_INVITATION)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(Self { dir, is_new }),
        }
    }

    /// Removes the file and a new directory, where the node hasn't begun to write.
    fn take_back(self) {
        // A failure leaves at most an empty file in an empty directory.
        let _ = fs::remove_file(self.dir.join(BACKUP_INVITATION));
        if self.is_new {
            let _ = fs::remove_dir(self.dir);
        }
    }
}
