//! `node.json` in the data folder: the running node's process and the addresses of its ports.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// The facts that other programs need about the node; ports may have been picked at the start.
#[derive(Debug, Serialize)]
pub(crate) struct NodeFile {
    pub(crate) version: &'static str,
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) ilp_address: String,
    pub(crate) started_at: String,
    pub(crate) ilp: Surface,
    pub(crate) admin: Surface,
    pub(crate) wallet: Surface,
    /// Absent where other nodes can't ask to become peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_peering: Option<Surface>,
}

/// One listening port.
#[derive(Debug, Serialize)]
pub(crate) struct Surface {
    pub(crate) listen: SocketAddr,
    pub(crate) url: String,
}

impl NodeFile {
    /// Returns the path of the file in a data folder.
    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("node.json")
    }

    /// Writes the file whole or not at all: a reader never sees half of it. An unfinished file from
    /// a crash, or a link that was put in its place, is removed first, so that no link is followed.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let unfinished = data_dir.join("node.json.new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        fs::rename(unfinished, Self::path(data_dir))
    }

    /// Returns the address at which the node that runs on this folder serves its admin port; `None`
    /// where the file is missing or malformed.
    pub(crate) fn admin_listen(data_dir: &Path) -> Option<SocketAddr> {
        let text = fs::read_to_string(Self::path(data_dir)).ok()?;
        let file: serde_json::Value = serde_json::from_str(&text).ok()?;
        file["admin"]["listen"].as_str()?.parse().ok()
    }

    /// Removes the file, so that no program looks for a node that has ended.
    pub(crate) fn remove(data_dir: &Path) {
        // The file only helps other programs to find the node, so a failure doesn't fail the stop.
        let _ = fs::remove_file(Self::path(data_dir));
    }
}

/// Returns the address at which this machine reaches a port that listens on `address`.
pub(crate) fn reached_at(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(ilp_net::dialled(address.ip()), address.port())
}
