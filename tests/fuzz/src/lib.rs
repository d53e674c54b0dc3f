//! What the fuzz targets share: one feeder a module, and the room of
//! engines.

pub mod engine;

use cenacle_builtin::agreements;
use cenacle_plugin::conformance::Feeder;
use cenacle_plugin::{KeyAgreementModule, Options};
use std::cell::RefCell;

thread_local! {
    static FEEDER: RefCell<Option<Feeder<'static>>> = const { RefCell::new(None) };
}

/// A feeder for the built-in key agreement module of that name.
pub fn feeder(name: &str) -> Feeder<'static> {
    let module = agreements()
        .into_iter()
        .find(|module| module.descriptor().name == name)
        .expect("a built-in module");
    // One a process: a fuzzer has no other use for the memory.
    let module: &'static dyn KeyAgreementModule = &**Box::leak(Box::new(module));
    let options = Options::defaults(&module.descriptor().options);
    Feeder::new(module, &options).expect("an honest run")
}

/// Feeds the module of that name, always the same in one process.
pub fn feed(name: &str, data: &[u8]) {
    FEEDER.with_borrow_mut(|slot| {
        let feeder = slot.get_or_insert_with(|| feeder(name));
        feeder.feed(data).expect("a replay");
    });
}
