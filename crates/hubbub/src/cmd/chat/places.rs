//! The rooms that are open and the one that is talked in: known to the typist and to the listener.
//!
//! **Invariant.** One small mutex, never held over a wait.

use super::show::with_sign;
use hubbub_client::wire::Joined;
use hubbub_model::{RoomName, UserName, fold};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle; clones are the same places.
#[derive(Clone)]
pub(super) struct Places(Arc<Mutex<State>>);

struct State {
    /// The room that is talked in: the hub's word for it once it is open.
    current: Option<String>,
    /// Word and label of each open room. The label of a direct is `@` and the other's name.
    open: Vec<(String, String)>,
}

impl Places {
    /// Wants to talk in this room, which is not open yet.
    pub(super) fn wanting(room: &RoomName) -> Self {
        Self(Arc::new(Mutex::new(State { current: Some(room.to_string()), open: Vec::new() })))
    }

    /// Talks in this room from now on.
    pub(super) fn talk_in(&self, joined: &Joined) {
        self.opened(joined);
        self.state().current = Some(joined.room.clone());
    }

    /// The room is open. It is talked in if it was wanted, or if nothing else is.
    pub(super) fn opened(&self, joined: &Joined) {
        let label = joined.with.as_deref().map_or_else(|| joined.room.clone(), with_sign);
        let mut state = self.state();
        state.open.retain(|(word, _)| *word != joined.room);
        state.open.push((joined.room.clone(), label));
        let wanted = state.current.as_deref().is_none_or(|current| fold(current) == fold(&joined.room));
        if wanted && joined.with.is_none() {
            state.current = Some(joined.room.clone());
        }
    }

    /// The room is not open any more, and nothing more is heard of it.
    pub(super) fn closed(&self, room: &str) {
        self.left(room);
        self.state().open.retain(|(word, _)| word != room);
    }

    /// The room was left; what is still heard of it is told under its name. Another one is talked in, if there is one.
    pub(super) fn left(&self, room: &str) {
        let mut state = self.state();
        if state.current.as_deref().is_some_and(|current| fold(current) == fold(room)) {
            state.current = state
                .open
                .iter()
                .map(|(word, _)| word)
                .find(|word| !word.starts_with('@') && *word != room)
                .cloned();
        }
    }

    /// The word of the room that is talked in.
    pub(super) fn current(&self) -> Option<String> {
        self.state().current.clone()
    }

    /// What people call the room.
    pub(super) fn label(&self, room: &str) -> String {
        let state = self.state();
        state
            .open
            .iter()
            .find(|(word, _)| word == room)
            .map_or_else(|| room.to_owned(), |(_, label)| label.clone())
    }

    /// The hub's word for what people call so.
    pub(super) fn word(&self, label: &str) -> String {
        let state = self.state();
        let known = state.open.iter().find(|(_, known)| fold(known) == fold(label));
        known.map_or_else(|| label.to_owned(), |(word, _)| word.clone())
    }

    /// The label to put before what is said in this room; none for the room that is talked in.
    pub(super) fn tag(&self, room: &str) -> Option<String> {
        let is_current = self.state().current.as_deref() == Some(room);
        (!is_current).then(|| self.label(room))
    }

    /// The word of the open direct with somebody.
    pub(super) fn direct_with(&self, who: &UserName) -> Option<String> {
        let wanted = fold(&with_sign(who.as_str()));
        let state = self.state();
        state
            .open
            .iter()
            .find(|(word, label)| word.starts_with('@') && fold(label) == wanted)
            .map(|(word, _)| word.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_model::Text;

    fn joined(room: &str, with: Option<&str>) -> Joined {
        Joined {
            room: room.into(),
            with: with.map(Into::into),
            epoch: 1,
            seq: 0,
            next: 1,
            missing: 0,
            member: false,
            topic: Text::default(),
            attendees: 1,
            unread: 0,
            mentions: 0,
        }
    }

    #[test]
    fn the_first_room_is_talked_in_until_another_is_joined_or_it_closes() {
        let places = Places::wanting(&"Lobby".parse().unwrap());
        assert_eq!(places.current().as_deref(), Some("Lobby"), "what is typed early waits for it");
        places.opened(&joined("@7", Some("bob")));
        places.opened(&joined("lobby", None));
        places.opened(&joined("lab", None));
        assert_eq!(places.current().as_deref(), Some("lobby"));
        places.talk_in(&joined("lab", None));
        assert_eq!((places.tag("lab"), places.tag("@7").as_deref()), (None, Some("@bob")));
        assert_eq!(places.direct_with(&"BOB".parse().unwrap()).as_deref(), Some("@7"));
        assert_eq!((places.word("@Bob"), places.word("LAB")), ("@7".into(), "lab".into()));
        places.closed("lab");
        assert_eq!(places.current().as_deref(), Some("lobby"));
        places.closed("lobby");
        assert_eq!(places.current(), None, "a direct takes nobody's words");
    }
}
