//! Faults on demand, for tests.

use std::time::Duration;

use crate::{EngineError, EngineErrorKind, FakeFault, FakeFaultKind};

/// Does what the first fault says whose text is in `text`.
pub(super) fn strike(faults: &[FakeFault], text: &str) -> Result<(), EngineError> {
    let Some(fault) = faults.iter().find(|fault| text.contains(&fault.when)) else { return Ok(()) };
    match fault.then {
        FakeFaultKind::Freeze(ms) | FakeFaultKind::Slow(ms) => {
            std::thread::sleep(Duration::from_millis(ms));
            Ok(())
        }
        FakeFaultKind::Error => Err(EngineError::new(EngineErrorKind::Model, "the fake engine was told to fail")),
        FakeFaultKind::Panic => panic!("the fake engine was told to panic"),
    }
}
