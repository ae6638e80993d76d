//! Looks up single entries by their position.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    JournalError, Pointers, Position,
    entry::{DISTANCE_END, LogEntry, distance},
    page::{Found, Page},
    posted::Posted,
    segment::path_of,
};
use crate::error::StoreError;

/// Reads entries, and keeps the last segment and the last page at hand: what an account saw one
/// after the other often lies in one page.
pub(crate) struct Reader {
    directory: PathBuf,
    segment: Option<(u32, File)>,
    /// The segment, where the page begins in it, and its bytes.
    page: Option<(u32, u32, Vec<u8>)>,
}

impl Reader {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), segment: None, page: None }
    }

    /// Returns the transfer's step at a position, or `None` when its segment is there no more.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when there is no entry at that position or its page is broken, or
    /// when the segment can't be read.
    pub(crate) fn entry(
        &mut self,
        position: Position,
    ) -> Result<Option<(Posted, Pointers)>, StoreError> {
        if !self.open(position.segment())? {
            return Ok(None);
        }
        let in_page = match &self.page {
            Some((segment, start, bytes)) if *segment == position.segment() => {
                position.offset().checked_sub(*start).filter(|at| (*at as usize) < bytes.len())
            }
            _ => None,
        };
        let at = match in_page {
            Some(at) => at,
            None => self.load_page(position)?,
        };
        let bytes = self.page.as_ref().map_or(&[][..], |(_, _, bytes)| bytes);
        let Found::Page(page) = Page::at(bytes) else { return Err(self.damaged(position)) };
        let mut found = None;
        let _ = page.entries::<()>(|_, entry, distance| {
            if let (true, LogEntry::Transfer(posted, pointers)) = (distance == at, entry) {
                found = Some((*posted, *pointers));
                return Err(());
            }
            Ok(())
        });
        found.map(Some).ok_or_else(|| self.damaged(position))
    }

    /// Reads the page around a position, and says where in the page the position is.
    fn load_page(&mut self, position: Position) -> Result<u32, StoreError> {
        let mut start_of_entry = [0; DISTANCE_END];
        self.read(&mut start_of_entry, position.offset(), position)?;
        let at = distance(&start_of_entry).ok_or_else(|| self.damaged(position))?;
        let start = position.offset().checked_sub(at).ok_or_else(|| self.damaged(position))?;
        let mut head = [0; 8];
        self.read(&mut head, start, position)?;
        let [.., a, b, c, d] = head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > super::page::PAGE_BYTES_MAX || length <= at as usize {
            return Err(self.damaged(position));
        }
        let mut bytes = vec![0; length];
        self.read(&mut bytes, start, position)?;
        self.page = Some((position.segment(), start, bytes));
        Ok(at)
    }

    fn open(&mut self, number: u32) -> Result<bool, StoreError> {
        if self.segment.as_ref().is_some_and(|(open, _)| *open == number) {
            return Ok(true);
        }
        match File::open(path_of(&self.directory, number)) {
            Ok(file) => self.segment = Some((number, file)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(StoreError::read(cause)),
        }
        Ok(true)
    }

    fn read(&self, bytes: &mut [u8], offset: u32, of: Position) -> Result<(), StoreError> {
        let Some((_, file)) = &self.segment else { return Err(self.damaged(of)) };
        match file.read_exact_at(bytes, offset.into()) {
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Err(self.damaged(of)),
            other => other.map_err(StoreError::read),
        }
    }

    fn damaged(&self, position: Position) -> StoreError {
        JournalError::Damaged {
            path: path_of(&self.directory, position.segment()),
            offset: position.offset().into(),
            detail: "there is no whole entry".to_owned(),
        }
        .into()
    }
}
