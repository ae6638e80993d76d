//! The log's files as a whole: which segments of the [journal](crate::journal) and which snapshots
//! there are, the form of snapshots, the mark of how far the log had come, and the folder of a node that
//! copies the log of a cluster.

pub(crate) mod cluster_mark;
pub(crate) mod log_files;
pub(crate) mod log_folder;
pub(crate) mod mark;
pub(crate) mod snapshot_copy;
pub(crate) mod snapshot_file;
