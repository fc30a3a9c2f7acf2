//! Times of day, of which the half of the day may be unknown.

/// Which half of the day a clock time is in, as VoiceXML writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// `a`: before noon.
    Morning,
    /// `p`: from noon on.
    Afternoon,
    /// `h`: told on a clock of 24 hours.
    Day,
    /// `?`: not told.
    Unknown,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeOfDay {
    hour: u8,
    minute: u8,
    half: Half,
}

/// A part of the day that is told beside a clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayPart {
    Morning,
    /// 中午: eleven is before noon, one after it.
    Midday,
    Afternoon,
    Evening,
    Night,
}

impl TimeOfDay {
    /// A time on the clock, without a part of the day. Hours above twelve and hour zero are told on a clock of 24 hours.
    pub(super) fn clock(hour: u64, minute: u64) -> Option<Self> {
        let hour = u8::try_from(hour).ok().filter(|hour| *hour < 24)?;
        let minute = u8::try_from(minute).ok().filter(|minute| *minute < 60)?;
        let half = if (1..=12).contains(&hour) { Half::Unknown } else { Half::Day };
        Some(Self { hour, minute, half })
    }

    /// A time that is told as on a clock of 24 hours: "oh nine hundred".
    pub(super) fn military(hour: u64, minute: u64) -> Option<Self> {
        Self::clock(hour, minute).map(|time| Self { half: Half::Day, ..time })
    }

    pub(super) const NOON: Self = Self { hour: 12, minute: 0, half: Half::Afternoon };
    pub(super) const MIDNIGHT: Self = Self { hour: 12, minute: 0, half: Half::Morning };

    /// `minutes` before a full hour: "ten to five".
    pub(super) fn before(hour: u64, minutes: u64) -> Option<Self> {
        let full = Self::clock(hour, 0)?;
        let minute = 60u64.checked_sub(minutes).filter(|minute| *minute < 60)?;
        let hour = match (full.hour, full.half) {
            (1, _) => 12,
            (0, _) => 23,
            (hour, _) => hour - 1,
        };
        Self::clock(u64::from(hour), minute)
    }

    /// The same time in a part of the day; `None` when it cannot be in it.
    pub(super) fn in_part(self, part: DayPart) -> Option<Self> {
        match (self.half, part) {
            (Half::Day, DayPart::Morning) if self.hour > 12 => None,
            (Half::Day, _) => Some(self),
            (Half::Unknown, _) => Some(Self { half: self.half_in(part)?, ..self }),
            (half, _) => (self.half_in(part)? == half).then_some(self),
        }
    }

    fn half_in(self, part: DayPart) -> Option<Half> {
        Some(match (part, self.hour) {
            (DayPart::Morning, _) => Half::Morning,
            (DayPart::Midday, 10 | 11) => Half::Morning,
            (DayPart::Midday, 12 | 1 | 2) => Half::Afternoon,
            (DayPart::Midday, _) => return None,
            (DayPart::Afternoon, _) => Half::Afternoon,
            // Twelve in the evening or at night is midnight, and two at night comes after it.
            (DayPart::Evening | DayPart::Night, 12) => Half::Morning,
            (DayPart::Evening, _) => Half::Afternoon,
            (DayPart::Night, 1..=5) => Half::Morning,
            (DayPart::Night, _) => Half::Afternoon,
        })
    }

    /// `hhmm` and the half of the day: `a`, `p`, `h` or `?`.
    pub(super) fn canonical(self) -> String {
        let half = match self.half {
            Half::Morning => 'a',
            Half::Afternoon => 'p',
            Half::Day => 'h',
            Half::Unknown => '?',
        };
        format!("{:02}{:02}{half}", self.hour, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_day_decides_between_its_halves() {
        let at = |hour, part| TimeOfDay::clock(hour, 0).and_then(|time| time.in_part(part)).map(TimeOfDay::canonical);
        assert_eq!(at(12, DayPart::Evening).as_deref(), Some("1200a"));
        assert_eq!(at(12, DayPart::Afternoon).as_deref(), Some("1200p"));
        assert_eq!(at(2, DayPart::Night).as_deref(), Some("0200a"));
        assert_eq!(at(15, DayPart::Afternoon).as_deref(), Some("1500h"));
        assert_eq!(at(15, DayPart::Morning), None);
    }

    #[test]
    fn minutes_before_an_hour_belong_to_the_hour_before() {
        assert_eq!(TimeOfDay::before(1, 15).map(TimeOfDay::canonical).as_deref(), Some("1245?"));
        assert_eq!(TimeOfDay::before(0, 5).map(TimeOfDay::canonical).as_deref(), Some("2355h"));
        assert_eq!(TimeOfDay::before(5, 0), None);
    }
}
