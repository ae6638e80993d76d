//! Notes: texts that a page shows once, such as tokens, which the node stores nowhere in the clear.
//! A form that makes a token leads to a page with a note's key in its address, and the first
//! request for the page takes the note. A reload neither makes another token nor shows the first
//! again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ilp_connector::token::Secret;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::visit::Visit;

/// The number of notes kept. A further one replaces the oldest.
const NOTES_MAX: usize = 64;
/// The life of a note. A browser that is redirected to the note's page asks for it at once.
const AGE_MAX: Duration = Duration::from_secs(60);

/// The notes that have not been read yet.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<HashMap<Uuid, Note>>);

#[derive(Debug)]
struct Note {
    /// The form token of the note's reader, which differs from session to session.
    reader: Secret,
    about: String,
    text: Secret,
    left_at: Instant,
}

impl Notes {
    /// Leaves a note about a subject for this visitor, and returns its key.
    pub(crate) fn leave(&self, visit: &Visit, about: &str, text: Secret, now: Instant) -> Uuid {
        let mut notes = self.0.lock();
        notes.retain(|_, note| now.saturating_duration_since(note.left_at) < AGE_MAX);
        if notes.len() >= NOTES_MAX {
            let oldest = notes.iter().min_by_key(|(_, note)| note.left_at).map(|(key, _)| *key);
            oldest.map(|key| notes.remove(&key));
        }
        let key = Uuid::new_v4();
        let reader = Secret::new(visit.visitor.form_token.clone());
        notes.insert(key, Note { reader, about: about.to_owned(), text, left_at: now });
        key
    }

    /// Takes a note, if it is about this subject and for this visitor.
    pub(crate) fn take(&self, visit: &Visit, about: &str, now: Instant) -> Option<Secret> {
        let key: Uuid = visit.query.get("note").parse().ok()?;
        let mut notes = self.0.lock();
        let note = notes.get(&key)?;
        // The key can't be guessed, so the time of these comparisons gives nothing away.
        let is_for_them = note.reader.reveal() == visit.visitor.form_token && note.about == about;
        if !is_for_them {
            return None;
        }
        let note = notes.remove(&key)?;
        (now.saturating_duration_since(note.left_at) < AGE_MAX).then_some(note.text)
    }
}

#[cfg(test)]
mod tests {
    use ilp_operator::{CallerKind, Visitor};

    use super::*;
    use crate::fields::Fields;

    fn visit(session: &str, key: Option<Uuid>) -> Visit {
        let visitor = Visitor { kind: CallerKind::Session, form_token: session.to_owned() };
        let mut query = Fields::default();
        key.into_iter().for_each(|key| query.set("note", key.to_string()));
        Visit { visitor, address: None, query }
    }

    #[test]
    fn a_note_is_read_once_by_whom_it_is_for_and_in_time() {
        let (notes, now) = (Notes::default(), Instant::now());
        let leave = |text: &str| notes.leave(&visit("a", None), "p", Secret::new(text.into()), now);
        let take = |session, about, key, now| {
            let text = notes.take(&visit(session, Some(key)), about, now);
            text.map(|text| text.reveal().to_owned())
        };
        let key = leave("token");
        assert_eq!(take("b", "p", key, now), None);
        assert_eq!(take("a", "q", key, now), None);
        assert_eq!(take("a", "p", Uuid::nil(), now), None);
        assert_eq!(take("a", "p", key, now), Some("token".to_owned()));
        assert_eq!(take("a", "p", key, now), None, "a second time");
        assert_eq!(take("a", "p", leave("late"), now + AGE_MAX), None);
    }

    #[test]
    fn however_many_are_left_few_are_kept() {
        let (notes, now) = (Notes::default(), Instant::now());
        let at = |index: usize| now + Duration::from_millis(index as u64);
        let leave = |index: usize| {
            let text = Secret::new(index.to_string());
            notes.leave(&visit("a", None), "p", text, at(index))
        };
        let keys: Vec<_> = (0..=NOTES_MAX).map(leave).collect();
        assert_eq!(notes.0.lock().len(), NOTES_MAX);
        assert!(notes.take(&visit("a", Some(keys[0])), "p", at(NOTES_MAX)).is_none());
        assert!(notes.take(&visit("a", Some(keys[1])), "p", at(NOTES_MAX)).is_some());
    }
}
