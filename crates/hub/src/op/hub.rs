//! What the hub says about itself, and what its owner sets.

use super::Done;
use crate::{
    core::Core,
    rules::{Actor, HubAct, authorize_hub},
    store::Write,
};
use hubbub_model::{AccountStatus, HubCard, Reply, Role, Text};

/// The settings' names in the store.
const NAME: &str = "name";
const GUESTS: &str = "guests";

impl Core {
    /// Whether guests are welcome where a listener takes them. They are unless an owner said otherwise.
    pub(super) fn welcomes_guests(&self) -> bool {
        self.facts.setting(GUESTS) != Some("no")
    }

    pub(super) fn hub_card(&self) -> HubCard {
        let owns = |row: &crate::store::AccountRow| {
            row.card.role == Role::Owner && row.card.status == AccountStatus::Active
        };
        HubCard {
            name: self.facts.setting(NAME).map(Text::ours),
            guests: self.welcomes_guests(),
            registration: self.registration,
            owned: self.facts.accounts.values().any(owns),
            read_only: self.is_read_only(),
        }
    }

    pub(super) fn set_hub(&mut self, actor: Actor<'_>, name: Option<Text>, guests: Option<bool>) -> Done {
        authorize_hub(actor, HubAct::Configure)?;
        if let Some(name) = name {
            self.fits_note(&name)?;
            let name = Some(name.to_string()).filter(|name| !name.is_empty());
            self.write(Write::Setting(NAME.into(), name));
        }
        if let Some(guests) = guests {
            let word = if guests { "yes" } else { "no" };
            self.write(Write::Setting(GUESTS.into(), Some(word.into())));
        }
        Ok(Some(Reply::Hub(Box::new(self.hub_card()))))
    }
}
