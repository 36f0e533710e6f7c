//! The user compares keys with another one.

use super::{Client, Event};
use crate::{id::SafetyNumber, name::Name};

impl Client {
    /// Shows what the user and another one compare: of the key that counts, or of the one that it
    /// has changed to. If they have compared it, that is kept, and a changed key counts from here
    /// on.
    pub(super) fn verify(&mut self, name: Name, compared: bool) {
        let name = self.table.spelled(name);
        if compared {
            self.take_changed_key(&name);
            self.table.set_compared(&name);
            self.save_peer(&name);
        }
        let Some(known) = self.table.get(&name) else {
            return self.show(Event::KeyUnknown { name });
        };
        let key = known.changed.unwrap_or(known.key);
        let compared = known.compared && known.changed.is_none();
        let number = SafetyNumber::of(&self.link.public_key(), &key);
        self.show(Event::Verification {
            name,
            number,
            compared,
        });
    }
}
