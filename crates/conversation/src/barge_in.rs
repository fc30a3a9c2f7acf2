//! Whether the caller interrupts the robot.

/// What may interrupt a clause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum BargeIn {
    /// Speech and keys.
    #[default]
    Allowed,
    /// Keys only.
    DtmfOnly,
    /// Nothing: a notice that has to be heard.
    NotAllowed,
}
