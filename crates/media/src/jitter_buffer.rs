//! Puts packets back in order, and decides when a missing one is given up.
//!
//! A recognizer wants all audio, in order, soon; it does not need it at a steady pace. So a packet in order is released
//! at once, and only a hole makes later packets wait. The wait adapts to jitter and lateness within its limits.

use std::time::{Duration, Instant};

use crate::config::JitterConfig;

/// Packets that may be held, and how far ahead of the next expected packet one may be. At 10 ms per packet more than
/// three times the longest sensible wait.
const SLOTS: u64 = 64;

/// Extended numbers start here, so that earlier packets have numbers too.
const BASE: u64 = 1 << 32;

/// Packets between two reductions of the wait that lateness has added.
const CALM_PACKETS: u32 = 250;

/// What becomes of a packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is the next one: use it now, without storing it. It no longer belongs to the buffer.
    Due {
        /// A later one came before it.
        reordered: bool,
    },
    /// It must wait: [`JitterBuffer::hold`] it.
    Waits {
        /// A later one came before it.
        reordered: bool,
    },
    /// Its place was given up.
    Late,
    /// It was here before.
    Duplicate,
    /// It is nowhere near: another sequence.
    Far,
}

/// What a packet is for, once it is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Audio at this timestamp; the payload is the octets held.
    Audio {
        /// Of its first sample.
        timestamp: u32,
    },
    /// Anything else that takes a place in the sequence: telephone events, comfort noise.
    Other,
}

/// What comes next in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release<'a> {
    /// A packet that was held.
    Packet { content: Content, arrived: Instant, payload: &'a [u8] },
    /// So many packets were given up.
    Lost(u32),
}

#[derive(Debug)]
pub(crate) struct JitterBuffer {
    config: JitterConfig,
    slots: Box<[Slot]>,
    held: usize,
    position: Position,
    /// Of the 64 packets before the next one: bit n is set when number `next - 1 - n` was given up, or lies before
    /// the start of the stream.
    given_up: u64,
    given_up_at: Option<Instant>,
    /// What lateness has added to the wait, in milliseconds.
    added_ms: u32,
    calm_packets: u32,
}

#[derive(Debug, Clone, Copy)]
enum Position {
    /// Nothing has come.
    Empty,
    /// Packets have come, but one before them may still be under way: no marker said that they are the first.
    Starting { anchor: u64, since: Instant },
    /// `next` is the one to release next.
    Running { next: u64 },
}

#[derive(Debug)]
struct Slot {
    held: Option<Held>,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    number: u64,
    arrived: Instant,
    content: Content,
}

impl JitterBuffer {
    pub(crate) fn new(config: JitterConfig) -> Self {
        Self {
            config,
            slots: (0..SLOTS).map(|_| Slot { held: None, payload: Vec::new() }).collect(),
            held: 0,
            position: Position::Empty,
            given_up: u64::MAX,
            given_up_at: None,
            added_ms: 0,
            calm_packets: 0,
        }
    }

    /// Says what becomes of the packet with `sequence`. `marker` on the first packet of a stream says that none came
    /// before it.
    pub(crate) fn arrive(&mut self, now: Instant, sequence: u16, marker: bool) -> Arrival {
        match self.position {
            Position::Empty => {
                let number = BASE + u64::from(sequence);
                if marker {
                    self.run_on(number);
                    Arrival::Due { reordered: false }
                } else {
                    self.position = Position::Starting { anchor: number, since: now };
                    Arrival::Waits { reordered: false }
                }
            }
            Position::Starting { anchor, .. } => {
                let Some(number) = near(anchor, sequence).filter(|number| number.abs_diff(anchor) < SLOTS / 2) else {
                    return Arrival::Far;
                };
                if self.holds(number) {
                    return Arrival::Duplicate;
                }
                let reordered = self.highest().is_some_and(|highest| number < highest);
                if marker && self.lowest().is_none_or(|lowest| number < lowest.number) {
                    self.run_on(number);
                    return Arrival::Due { reordered };
                }
                Arrival::Waits { reordered }
            }
            Position::Running { next } => self.arrive_running(now, next, sequence),
        }
    }

    fn arrive_running(&mut self, now: Instant, next: u64, sequence: u16) -> Arrival {
        let Some(number) = near(next, sequence) else { return Arrival::Far };
        if number == next {
            self.run_on(number);
            self.calm();
            return Arrival::Due { reordered: self.held > 0 };
        }
        if number > next {
            return match number - next {
                SLOTS.. => Arrival::Far,
                _ if self.holds(number) => Arrival::Duplicate,
                _ => Arrival::Waits { reordered: self.highest().is_some_and(|highest| number < highest) },
            };
        }
        let back = next - number - 1;
        if back >= SLOTS {
            return Arrival::Far;
        }
        let bit = 1u64 << back;
        if self.given_up & bit == 0 {
            return Arrival::Duplicate;
        }
        self.given_up &= !bit;
        self.grow(now);
        Arrival::Late
    }

    /// Keeps a packet that must wait.
    pub(crate) fn hold(&mut self, now: Instant, sequence: u16, content: Content, payload: &[u8]) {
        let anchor = match self.position {
            Position::Empty => return,
            Position::Starting { anchor, .. } => anchor,
            Position::Running { next } => next,
        };
        let Some(number) = near(anchor, sequence) else { return };
        let Some(slot) = self.slots.get_mut((number % SLOTS) as usize) else { return };
        if slot.held.is_none() {
            self.held += 1;
        }
        slot.held = Some(Held { number, arrived: now, content });
        slot.payload.clear();
        slot.payload.extend_from_slice(payload);
    }

    /// The next packet in order, or the news that some were given up, as far as the time allows. Call until `None`.
    pub(crate) fn release(&mut self, now: Instant, jitter_ms: u32) -> Option<Release<'_>> {
        if self.held == 0 {
            return None;
        }
        let wait = Duration::from_millis(u64::from(self.wait_ms(jitter_ms)));
        let next = match self.position {
            Position::Empty => return None,
            Position::Starting { since, .. } => {
                if now.saturating_duration_since(since) < wait {
                    return None;
                }
                self.lowest()?.number
            }
            Position::Running { next } => next,
        };
        if self.holds(next) {
            return self.take(next);
        }
        let noticed = self.slots.iter().filter_map(|slot| slot.held).map(|held| held.arrived).min()?;
        if now.saturating_duration_since(noticed) < wait {
            return None;
        }
        self.given_up_at = Some(now);
        self.give_up(next)
    }

    /// Like [`release`](Self::release), without waiting for anything: the stream is over.
    pub(crate) fn flush(&mut self) -> Option<Release<'_>> {
        let lowest = self.lowest()?.number;
        match self.position {
            Position::Running { next } if next < lowest => self.give_up(next),
            Position::Running { .. } | Position::Starting { .. } | Position::Empty => self.take(lowest),
        }
    }

    /// Forgets the sequence, and what is held.
    pub(crate) fn reset(&mut self) {
        for slot in &mut self.slots {
            slot.held = None;
        }
        self.held = 0;
        self.position = Position::Empty;
        self.given_up = u64::MAX;
        self.given_up_at = None;
    }

    /// How long a hole may hold back later packets, in milliseconds.
    pub(crate) fn wait_ms(&self, jitter_ms: u32) -> u32 {
        // Three times the mean deviation covers nearly all of what the path does on a normal day.
        let JitterConfig { min_ms, max_ms } = self.config;
        jitter_ms.saturating_mul(3).max(min_ms).saturating_add(self.added_ms).min(max_ms.max(min_ms))
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// The packet with this number is released.
    fn run_on(&mut self, number: u64) {
        self.position = Position::Running { next: number + 1 };
        self.given_up <<= 1;
    }

    fn take(&mut self, number: u64) -> Option<Release<'_>> {
        let slot = self.slots.get_mut((number % SLOTS) as usize)?;
        let held = slot.held.take()?;
        self.held -= 1;
        self.position = Position::Running { next: number + 1 };
        self.given_up <<= 1;
        Some(Release::Packet { content: held.content, arrived: held.arrived, payload: &slot.payload })
    }

    fn give_up(&mut self, next: u64) -> Option<Release<'_>> {
        let lowest = self.lowest()?.number;
        let lost = u32::try_from(lowest.saturating_sub(next)).unwrap_or(u32::MAX);
        self.given_up = match lost {
            64.. => u64::MAX,
            few => (self.given_up << few) | ((1 << few) - 1),
        };
        self.position = Position::Running { next: lowest };
        Some(Release::Lost(lost))
    }

    /// A packet came after it was given up: the wait was too short by that much.
    fn grow(&mut self, now: Instant) {
        let late = self.given_up_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let late_ms = u32::try_from(late.as_millis()).unwrap_or(u32::MAX);
        self.added_ms = self.added_ms.saturating_add(late_ms.saturating_add(10)).min(self.config.max_ms);
        self.calm_packets = 0;
    }

    fn calm(&mut self) {
        self.calm_packets += 1;
        if self.calm_packets >= CALM_PACKETS {
            self.calm_packets = 0;
            self.added_ms = self.added_ms * 3 / 4;
        }
    }

    fn holds(&self, number: u64) -> bool {
        let slot = self.slots.get((number % SLOTS) as usize);
        slot.and_then(|slot| slot.held).is_some_and(|held| held.number == number)
    }

    fn lowest(&self) -> Option<Held> {
        self.slots.iter().filter_map(|slot| slot.held).min_by_key(|held| held.number)
    }

    fn highest(&self) -> Option<u64> {
        if self.held == 0 {
            return None;
        }
        self.slots.iter().filter_map(|slot| slot.held).map(|held| held.number).max()
    }
}

/// The extended number nearest to `anchor` whose low 16 bits are `sequence`.
fn near(anchor: u64, sequence: u16) -> Option<u64> {
    let ahead = i64::from(sequence.wrapping_sub(anchor as u16) as i16);
    anchor.checked_add_signed(ahead)
}
