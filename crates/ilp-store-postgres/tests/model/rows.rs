//! The rows in the database's log, and what they add up to.

/// A row in the database's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Row {
    /// A page of a book, with up to two movements of one unit: +1, -1, or 0 for none.
    Page { book: u8, number: u8, epoch: u8, entries: [i8; 2] },
    /// One unit from the pool to a book.
    Grant { book: u8, epoch: u8, operation: u8 },
    /// One unit from a book to the pool.
    Release { book: u8, epoch: u8, operation: u8 },
    /// A takeover: the next number of the book is the fence, and its money goes to the pool.
    Takeover { book: u8, epoch: u8, number: u8, by: u8 },
    /// A write that means nothing but its acknowledgement.
    Beat { book: u8, epoch: u8, operation: u8 },
}

impl Row {
    /// Returns what the row locks: the pages of a book (bits 0 and 1), the row of a book (2 and 3), the
    /// pool (4).
    pub(super) fn locks(self) -> u8 {
        match self {
            Self::Page { book, .. } => 1 << book,
            Self::Beat { book, .. } => 4 << book,
            Self::Grant { book, .. } | Self::Release { book, .. } => 4 << book | 16,
            Self::Takeover { book, .. } => 5 << book | 16,
        }
    }

    /// Returns the row as it is when the two nodes change their names.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Page { book, number, epoch, entries } => {
                Self::Page { book: 1 - book, number, epoch, entries }
            }
            Self::Grant { book, epoch, operation } => {
                Self::Grant { book: 1 - book, epoch, operation }
            }
            Self::Release { book, epoch, operation } => {
                Self::Release { book: 1 - book, epoch, operation }
            }
            Self::Takeover { book, epoch, number, by } => {
                Self::Takeover { book: 1 - book, epoch, number, by: 1 - by }
            }
            Self::Beat { book, epoch, operation } => {
                Self::Beat { book: 1 - book, epoch, operation }
            }
        }
    }
}

/// The sums of a log.
pub(super) struct Books {
    pub(super) pool: i8,
    pub(super) balances: [i8; 2],
    pub(super) lowest: i8,
    pub(super) epochs: [u8; 2],
    pub(super) numbers: [u8; 2],
    pub(super) debits: u8,
}

pub(super) fn add_up(log: &[Row], units: i8) -> Books {
    let mut books = Books {
        pool: units,
        balances: [0; 2],
        lowest: 0,
        epochs: [1; 2],
        numbers: [0; 2],
        debits: 0,
    };
    for row in log {
        match *row {
            Row::Page { book, number, entries, .. } => {
                let book = usize::from(book);
                books.numbers[book] = number;
                for entry in entries {
                    books.balances[book] += entry;
                    books.debits += u8::from(entry < 0);
                    books.lowest = books.lowest.min(books.balances[book]);
                }
            }
            Row::Grant { book, .. } => {
                books.pool -= 1;
                books.balances[usize::from(book)] += 1;
            }
            Row::Release { book, .. } => {
                let balance = &mut books.balances[usize::from(book)];
                *balance -= 1;
                books.pool += 1;
                books.lowest = books.lowest.min(*balance);
            }
            Row::Takeover { book, epoch, number, .. } => {
                let book = usize::from(book);
                (books.epochs[book], books.numbers[book]) = (epoch, number);
                books.pool += std::mem::take(&mut books.balances[book]);
            }
            Row::Beat { .. } => {}
        }
    }
    books
}
