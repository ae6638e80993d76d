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
        let node = state.nodes[index];
        let (book, other) = (u8::try_from(index).unwrap(), 1 - index);
        let books = add_up(&state.log, self.bounds.units);
        let visible = state.replicated.max(state.shown);
        let seen = add_up(&state.log[..visible], self.bounds.units);
        let blocked = state.log[visible..].iter().fold(0, |locks, row| locks | row.locks());
        let is_mine = books.epochs[index] == node.epoch;
        let reads_mine = seen.epochs[index] == node.epoch;
        let append = |from: &State, row: Row, is_page: bool, stands_for: Row| {
            let mut next = from.clone();
            let at = Some(next.log.len());
            *next.nodes[index].write(is_page) = Some(Write { row: stands_for, at });
            next.log.push(row);
            next.writes += 1;
            next
        };
        let mut fenced = state.clone();
        fenced.nodes[index] = GONE;
        let reads = self.fault == Fault::ReadsEpoch;
        if node.page.is_none() && queued(node.queue) > 0 && (blocked & 1 << book == 0 || reads) {
            let number = node.number + 1;
            let row = Row::Page { book, number, epoch: node.epoch, entries: node.queue };
            if self.may_insert(number, index, &books, is_mine, reads_mine) {
                let mut from = state.clone();
                from.nodes[index].queue = [0; 2];
                to("page", append(&from, row, true, row));
            } else {
                to("fenced", fenced.clone());
            }
        }
        if node.other.is_none() && blocked & (4 << book | 16) == 0 {
            if !is_mine {
                to("fenced", fenced.clone());
            } else {
                let (epoch, operation) = (node.epoch, node.operation);
                let mut from = state.clone();
                from.nodes[index].operation += 1;
                if books.pool > 0 {
                    let row = Row::Grant { book, epoch, operation };
                    to("grant", append(&from, row, false, row));
                }
                let is_written = queued(node.queue) == 0 && node.page.is_none();
                if node.available > 0 && (is_written || self.fault == Fault::ReleasesEarly) {
                    let row = Row::Release { book, epoch, operation };
                    let mut from = from.clone();
                    from.nodes[index].available -= 1;
                    to("release", append(&from, row, false, row));
                }
                // Without the next number, what the taker adds up is what it can see.
                let locks = if reads { 4 << other } else { 5 << other };
                if books.epochs[other] == 1 && blocked & locks == 0 {
                    let number = if reads { seen.numbers[other] } else { books.numbers[other] + 1 };
                    let row = Row::Takeover { book: 1 - book, epoch: 2, number, by: book };
                    to("take over", append(&from, row, false, row));
                }
            }
        }
        for is_page in [true, false] {
            let write = if is_page { node.page } else { node.other };
            let Some(Write { row, at: None }) = write else { continue };
            if row.locks() & blocked != 0 {
                continue;
            }
            if state.log[..visible].contains(&row) {
                if self.fault == Fault::BelievesReads {
                    let mut next = state.clone();
                    next.fulfilled += next.nodes[index].acknowledged(is_page);
                    to("believe", next);
                } else if blocked & 4 << book == 0 {
                    let (epoch, operation) = (node.epoch, node.operation);
                    let beat = Row::Beat { book, epoch, operation };
                    let mut from = state.clone();
                    from.nodes[index].operation += 1;
                    to(
                        "vouch",
                        if is_mine { append(&from, beat, is_page, row) } else { fenced.clone() },
                    );
                }
                continue;
            }
            let may = match row {
                Row::Page { number, .. } => {
                    self.may_insert(number, index, &books, is_mine, reads_mine)
                }
                Row::Grant { .. } => is_mine && books.pool > 0,
                Row::Takeover { number, .. } => {
                    books.epochs[other] == 1 && (reads || books.numbers[other] + 1 == number)
                }
                Row::Release { .. } | Row::Beat { .. } => is_mine,
            };
            if may {
                to("again", append(state, row, is_page, row));
            } else if is_mine && matches!(row, Row::Grant { .. } | Row::Takeover { .. }) {
                let mut next = state.clone();
                next.nodes[index].other = None;
                to("drop", next);
            } else {
                to("fenced", fenced.clone());
            }
        }
    }

    fn may_insert(
        &self,
        number: u8,
        index: usize,
        books: &Books,
        is_mine: bool,
        reads_mine: bool,
    ) -> bool {
        match self.fault {
            Fault::NoFence => true,
            Fault::ReadsEpoch => reads_mine,
            _ => is_mine && books.numbers[index] + 1 == number,
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
