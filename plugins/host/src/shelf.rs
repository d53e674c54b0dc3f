//! The modules of one kind, by name.

use crate::{Error, Origin, vetting};
use cenacle_plugin::{Descriptor, Kind};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The most modules of one kind: far more than anybody writes, and a bound on what is listed.
pub const MAX_MODULES: usize = 256;

/// The most characters of an unknown name that an error repeats and looks for near names of.
const SHOWN_NAME: usize = 64;

/// A module on a shelf, with the description that was checked: what the module says of itself
/// later does not count.
pub(crate) struct Item<M: ?Sized> {
    pub(crate) module: Arc<M>,
    pub(crate) descriptor: Arc<Descriptor>,
    pub(crate) origin: Origin,
}

impl<M: ?Sized> Clone for Item<M> {
    fn clone(&self) -> Self {
        Self {
            module: Arc::clone(&self.module),
            descriptor: Arc::clone(&self.descriptor),
            origin: self.origin,
        }
    }
}

type Items<M> = BTreeMap<String, Item<M>>;

/// Modules of one kind by name. Items are only ever added, and never replaced.
pub(crate) struct Shelf<M: ?Sized> {
    kind: Kind,
    items: RwLock<Items<M>>,
}

impl<M: ?Sized> Shelf<M> {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, items: RwLock::new(BTreeMap::new()) }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds a module under the name that `descriptor`, its own, gives.
    pub(crate) fn add(
        &self,
        module: Arc<M>,
        descriptor: Descriptor,
        origin: Origin,
    ) -> Result<(), Error> {
        vetting::check(&descriptor, self.kind)
            .map_err(|why| Error::Malformed { kind: self.kind, why })?;
        let name = descriptor.name.clone();
        let item = Item { module, descriptor: Arc::new(descriptor), origin };
        let mut items = self.items.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = items.get(&name) {
            return Err(Error::NameTaken { kind: self.kind, name, origin: other.origin });
        }
        if items.len() >= MAX_MODULES {
            return Err(Error::TooManyModules { kind: self.kind, max: MAX_MODULES });
        }
        items.insert(name, item);
        Ok(())
    }

    /// The module of that name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Item<M>> {
        self.read().get(name).cloned()
    }

    /// The module of that name, or an error that says what there is.
    pub(crate) fn find(&self, name: &str) -> Result<Item<M>, Error> {
        let items = self.read();
        if let Some(item) = items.get(name) {
            return Ok(item.clone());
        }
        let known: Vec<&str> = items.keys().map(String::as_str).collect();
        let name: String = name.chars().take(SHOWN_NAME).collect();
        let hint = cenacle_plugin::hint(&name, &known, "registered:");
        Err(Error::UnknownModule { kind: self.kind, name, hint })
    }

    /// All modules, ordered by name.
    pub(crate) fn list(&self) -> Vec<Item<M>> {
        self.read().values().cloned().collect()
    }

    /// No code of modules runs while the lock is held and nothing is changed but by one insertion,
    /// so there is no state that a panic could leave half-made.
    fn read(&self) -> RwLockReadGuard<'_, Items<M>> {
        self.items.read().unwrap_or_else(PoisonError::into_inner)
    }
}
