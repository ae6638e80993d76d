//! The search: each step that may follow a state, and the harm that a state may have.

use std::collections::{HashMap, HashSet};

use super::{
    rows::{Books, Row, add_up},
    state::{GONE, Node, State, Write, print_of, queued, with},
};

/// A rule of the protocol that is left out, to see that the search finds the harm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    None,
    /// A page in doubt is believed when a read finds it.
    BelievesReads,
    /// A page checks the epoch by a read that waits for nobody, and a takeover takes no number.
    ReadsEpoch,
    /// A page checks nothing.
    NoFence,
    /// Credits are released before a page has them.
    ReleasesEarly,
}

/// How far the search goes.
pub(super) struct Bounds {
    pub(super) writes: u8,
    pub(super) failures: u8,
    pub(super) kills: u8,
    pub(super) credits: u8,
    pub(super) units: i8,
}

/// A state as one of its nodes meets it in the database.
struct Look<'a> {
    state: &'a State,
    index: usize,
    book: u8,
    /// The sums of the whole log, for writes that wait for what conflicts with them.
    books: Books,
    /// The sums of what a read sees.
    seen: Books,
    visible: &'a [Row],
    /// The locks of writes under way.
    blocked: u8,
    is_mine: bool,
    reads_mine: bool,
}

impl<'a> Look<'a> {
    fn of(state: &'a State, index: usize, units: i8) -> Self {
        let (visible, under_way) = state.log.split_at(state.replicated.max(state.shown));
        let (books, seen) = (add_up(&state.log, units), add_up(visible, units));
        let epoch = state.nodes[index].epoch;
        Self {
            state,
            index,
            book: u8::try_from(index).unwrap(),
            is_mine: books.epochs[index] == epoch,
            reads_mine: seen.epochs[index] == epoch,
            books,
            seen,
            visible,
            blocked: under_way.iter().fold(0, |locks, row| locks | row.locks()),
        }
    }

    fn node(&self) -> Node {
        self.state.nodes[self.index]
    }

    /// Returns the state after `from` with a row under way that stands for a write of the node's.
    fn append(&self, from: &State, row: Row, is_page: bool, stands_for: Row) -> State {
        let mut next = from.clone();
        let at = Some(next.log.len());
        *next.nodes[self.index].write(is_page) = Some(Write { row: stands_for, at });
        next.log.push(row);
        next.writes += 1;
        next
    }

    fn fenced(&self) -> State {
        let mut next = self.state.clone();
        next.nodes[self.index] = GONE;
        next
    }
}

/// A search through all states.
pub(super) struct Search {
    pub(super) fault: Fault,
    pub(super) bounds: Bounds,
}

impl Search {
    /// Calls `to` with each state that may follow, and the name of the step.
    fn steps(&self, state: &State, to: &mut dyn FnMut(&'static str, State)) {
        if state.replicated < state.log.len() {
            let mut next = state.clone();
            for node in next.nodes.iter_mut().filter(|node| node.runs) {
                for is_page in [true, false] {
                    if node.write(is_page).is_some_and(|write| write.at == Some(state.replicated)) {
                        next.fulfilled += node.acknowledged(is_page);
                    }
                }
            }
            next.replicated += 1;
            to("replicate", next);
        }
        if state.failures < self.bounds.failures {
            let mut next = state.clone();
            for node in &mut next.nodes {
                for write in [&mut node.page, &mut node.other].into_iter().flatten() {
                    write.at = None;
                }
            }
            next.failures += 1;
            let mut cut = next.clone();
            cut.log.truncate(state.replicated);
            cut.shown = 0;
            to("failover", cut);
            if state.replicated < state.log.len() {
                next.shown = next.log.len();
                to("restart", next);
            }
        }
        for index in 0..2 {
            if state.nodes[index].runs {
                self.steps_of(state, index, to);
            }
        }
    }

    fn steps_of(&self, state: &State, index: usize, to: &mut dyn FnMut(&'static str, State)) {
        let node = state.nodes[index];
        let change = |change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            next
        };
        if state.kills < self.bounds.kills {
            to(
                "kill",
                change(&|next| {
                    next.nodes[index] = GONE;
                    next.kills += 1;
                }),
            );
        }
        if queued(node.queue) < 2 {
            if node.available > 0 {
                to(
                    "debit",
                    change(&|next| {
                        next.nodes[index].available -= 1;
                        next.nodes[index].queue = with(node.queue, -1);
                    }),
                );
            }
            if state.credits < self.bounds.credits {
                to(
                    "credit",
                    change(&|next| {
                        next.nodes[index].available += 1;
                        next.nodes[index].queue = with(node.queue, 1);
                        next.credits += 1;
                    }),
                );
            }
        }
        if state.writes < self.bounds.writes {
            self.writes_of(state, index, to);
        }
    }

    /// The writes that a node may begin, and those in doubt that it may ask about.
    fn writes_of(&self, state: &State, index: usize, to: &mut dyn FnMut(&'static str, State)) {
        let look = Look::of(state, index, self.bounds.units);
        if look.node().page.is_none() && queued(look.node().queue) > 0 {
            self.new_page(&look, to);
        }
        if look.node().other.is_none() && look.blocked & (4 << look.book | 16) == 0 {
            self.new_write(&look, to);
        }
        for is_page in [true, false] {
            let write = if is_page { look.node().page } else { look.node().other };
            if let Some(Write { row, at: None }) = write
                && row.locks() & look.blocked == 0
            {
                self.ask_again(&look, row, is_page, to);
            }
        }
    }

    fn new_page(&self, look: &Look<'_>, to: &mut dyn FnMut(&'static str, State)) {
        if look.blocked & 1 << look.book != 0 && self.fault != Fault::ReadsEpoch {
            return;
        }
        let Node { number, epoch, queue, .. } = look.node();
        let row = Row::Page { book: look.book, number: number + 1, epoch, entries: queue };
        if self.may_insert(number + 1, look) {
            let mut from = look.state.clone();
            from.nodes[look.index].queue = [0; 2];
            to("page", look.append(&from, row, true, row));
        } else {
            to("fenced", look.fenced());
        }
    }

    fn new_write(&self, look: &Look<'_>, to: &mut dyn FnMut(&'static str, State)) {
        if !look.is_mine {
            to("fenced", look.fenced());
            return;
        }
        let (node, book, other) = (look.node(), look.book, 1 - look.index);
        let Node { epoch, operation, .. } = node;
        let mut from = look.state.clone();
        from.nodes[look.index].operation += 1;
        if look.books.pool > 0 {
            let row = Row::Grant { book, epoch, operation };
            to("grant", look.append(&from, row, false, row));
        }
        let is_written = queued(node.queue) == 0 && node.page.is_none();
        if node.available > 0 && (is_written || self.fault == Fault::ReleasesEarly) {
            let row = Row::Release { book, epoch, operation };
            let mut from = from.clone();
            from.nodes[look.index].available -= 1;
            to("release", look.append(&from, row, false, row));
        }
        // Without the next number, what the taker adds up is what it can see.
        let reads = self.fault == Fault::ReadsEpoch;
        let locks = if reads { 4 << other } else { 5 << other };
        if look.books.epochs[other] == 1 && look.blocked & locks == 0 {
            let number =
                if reads { look.seen.numbers[other] } else { look.books.numbers[other] + 1 };
            let row = Row::Takeover { book: 1 - book, epoch: 2, number, by: book };
            to("take over", look.append(&from, row, false, row));
        }
    }

    /// Asks about a write in doubt: makes it again, or vouches for one that is there.
    fn ask_again(
        &self,
        look: &Look<'_>,
        row: Row,
        is_page: bool,
        to: &mut dyn FnMut(&'static str, State),
    ) {
        let (book, index) = (look.book, look.index);
        if look.visible.contains(&row) {
            let mut next = look.state.clone();
            if self.fault == Fault::BelievesReads {
                next.fulfilled += next.nodes[index].acknowledged(is_page);
                to("believe", next);
            } else if look.blocked & 4 << book == 0 {
                let Node { epoch, operation, .. } = look.node();
                next.nodes[index].operation += 1;
                let beat = Row::Beat { book, epoch, operation };
                let vouched = || look.append(&next, beat, is_page, row);
                to("vouch", if look.is_mine { vouched() } else { look.fenced() });
            }
            return;
        }
        let other = 1 - index;
        let may = match row {
            Row::Page { number, .. } => self.may_insert(number, look),
            Row::Grant { .. } => look.is_mine && look.books.pool > 0,
            Row::Takeover { number, .. } => {
                let is_next = look.books.numbers[other] + 1 == number;
                look.books.epochs[other] == 1 && (is_next || self.fault == Fault::ReadsEpoch)
            }
            Row::Release { .. } | Row::Beat { .. } => look.is_mine,
        };
        if may {
            to("again", look.append(look.state, row, is_page, row));
        } else if look.is_mine && matches!(row, Row::Grant { .. } | Row::Takeover { .. }) {
            let mut next = look.state.clone();
            next.nodes[index].other = None;
            to("drop", next);
        } else {
            to("fenced", look.fenced());
        }
    }

    fn may_insert(&self, number: u8, look: &Look<'_>) -> bool {
        match self.fault {
            Fault::NoFence => true,
            Fault::ReadsEpoch => look.reads_mine,
            _ => look.is_mine && look.books.numbers[look.index] + 1 == number,
        }
    }

    /// Returns the harm in a state, judged by what every later primary has.
    fn harm(&self, state: &State) -> Option<String> {
        let log = &state.log[..state.replicated];
        let books = add_up(log, self.bounds.units);
        if books.pool < 0 || books.lowest < 0 {
            return Some(format!("below zero: pool {}, a book {}", books.pool, books.lowest));
        }
        if state.fulfilled > books.debits {
            let (fulfilled, debits) = (state.fulfilled, books.debits);
            return Some(format!("{fulfilled} Fulfills have left, and the books have {debits}"));
        }
        let mut numbers = HashSet::new();
        let is_twice = log.iter().any(|row| match *row {
            Row::Page { book, number, .. } => !numbers.insert((book, number)),
            Row::Takeover { book, number, .. } if self.fault != Fault::ReadsEpoch => {
                !numbers.insert((book, number))
            }
            _ => false,
        });
        is_twice.then(|| "two pages of one number".to_owned())
    }

    /// Goes through all states, the nearest first. The error is the harm and the way to it.
    pub(super) fn run(&self) -> Result<usize, String> {
        let node = Node { runs: true, epoch: 1, ..GONE };
        let first = State {
            nodes: [node; 2],
            log: Vec::new(),
            replicated: 0,
            shown: 0,
            failures: 0,
            kills: 0,
            credits: 0,
            fulfilled: 0,
            writes: 0,
        };
        let mut seen = HashSet::from([print_of(&first)]);
        let mut came: HashMap<u128, (u128, &'static str)> = HashMap::new();
        let is_traced = self.fault != Fault::None;
        let (mut level, mut harm) = (vec![first], None);
        while !level.is_empty() && harm.is_none() {
            let mut next_level = Vec::new();
            for state in level {
                let from = print_of(&state);
                self.steps(&state, &mut |name, next| {
                    let print = print_of(&next);
                    if harm.is_some() || !seen.insert(print) {
                        return;
                    }
                    if is_traced {
                        came.insert(print, (from, name));
                    }
                    harm = self.harm(&next).map(|harm| (harm, print));
                    next_level.push(next);
                });
            }
            level = next_level;
        }
        let Some((harm, mut at)) = harm else { return Ok(seen.len()) };
        let mut way = Vec::new();
        while let Some((before, name)) = came.get(&at) {
            way.push(*name);
            at = *before;
        }
        way.reverse();
        Err(format!("{harm}: {}", way.join(", ")))
    }
}
