//! `node.json` in the data folder: what runs there and where it is reached.

use std::{io, net::SocketAddr, path::Path};

use serde::Serialize;

/// What programs beside the node want to know of it; ports may have been picked at start.
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
    /// Writes the file whole or not at all: a reader never sees half of it.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let unfinished = data_dir.join("node.json.new");
        std::fs::write(&unfinished, text + "\n")?;
        std::fs::rename(unfinished, data_dir.join("node.json"))
    }

    /// Reads where the admin port of a node listens that runs on this folder; `None` where the file is
    /// missing or something else.
    pub(crate) fn admin_listen(data_dir: &Path) -> Option<SocketAddr> {
        let text = std::fs::read_to_string(data_dir.join("node.json")).ok()?;
        let file: serde_json::Value = serde_json::from_str(&text).ok()?;
        file["admin"]["listen"].as_str()?.parse().ok()
    }

    /// Removes the file, so that no program looks for a node that has ended.
    pub(crate) fn remove(data_dir: &Path) {
        // It only helps others to find the node, so a failure is no reason to end badly.
        let _ = std::fs::remove_file(data_dir.join("node.json"));
    }
}
