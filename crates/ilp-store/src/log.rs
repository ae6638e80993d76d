//! The log's files as a whole: which segments of the [journal](crate::journal) and which snapshots
//! there are, the form of snapshots, and the mark of how far the log had come.

pub(crate) mod log_files;
pub(crate) mod mark;
pub(crate) mod snapshot_file;
