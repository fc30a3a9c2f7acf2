//! The way of audio from a media thread to whoever hears or stores it: bounded, without locks, without memory allocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI16, AtomicUsize, Ordering};

/// A ring for `capacity` samples (at least one) with one writer and one reader.
pub fn pcm_ring(capacity: usize) -> (RingWriter, RingReader) {
    let slots = (0..capacity.max(1)).map(|_| AtomicI16::new(0)).collect();
    let ring = Arc::new(Ring {
        slots,
        written: AtomicUsize::new(0),
        read: AtomicUsize::new(0),
        pre_roll: AtomicUsize::new(0),
        is_overrun: AtomicBool::new(false),
        is_closed: AtomicBool::new(false),
    });
    (RingWriter { ring: Arc::clone(&ring) }, RingReader { ring })
}

/// The writing end. Not cloned: there is one writer.
pub struct RingWriter {
    ring: Arc<Ring>,
}

/// The reading end. Not cloned: there is one reader.
pub struct RingReader {
    ring: Arc<Ring>,
}

struct Ring {
    slots: Box<[AtomicI16]>,
    /// Samples ever written; only the writer moves it. Wraps around after centuries.
    written: AtomicUsize,
    /// Samples ever read; only the reader moves it.
    read: AtomicUsize,
    /// Samples from before the beginning.
    pre_roll: AtomicUsize,
    is_overrun: AtomicBool,
    is_closed: AtomicBool,
}

impl RingWriter {
    /// Room for this many samples.
    pub fn room(&self) -> usize {
        let waiting = self.ring.waiting();
        self.ring.slots.len().saturating_sub(waiting)
    }

    /// Whether the reader is gone or wants no more.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed.load(Ordering::Acquire)
    }
}

impl crate::PcmSink for RingWriter {
    fn push(&mut self, samples: &[i16]) -> Result<(), crate::PcmOverrun> {
        let ring = &self.ring;
        if ring.is_closed.load(Ordering::Acquire) {
            return Ok(());
        }
        if samples.len() > self.room() {
            ring.is_overrun.store(true, Ordering::Release);
            return Err(crate::PcmOverrun);
        }
        let start = ring.written.load(Ordering::Relaxed);
        for (slot, sample) in ring.slots_from(start).zip(samples) {
            slot.store(*sample, Ordering::Relaxed);
        }
        ring.written.store(start.wrapping_add(samples.len()), Ordering::Release);
        Ok(())
    }

    fn pre_roll(&mut self, samples: &[i16]) {
        // Half of the room stays for what comes.
        let taken = samples.get(samples.len().saturating_sub(self.room() / 2)..).unwrap_or_default();
        self.ring.pre_roll.store(taken.len(), Ordering::Release);
        // There is room, or the reader is gone.
        _ = self.push(taken);
    }
}

impl RingReader {
    /// Moves at most `max` samples to the end of `out`; returns how many.
    pub fn read(&mut self, max: usize, out: &mut Vec<i16>) -> usize {
        let ring = &self.ring;
        let count = ring.waiting().min(max);
        let start = ring.read.load(Ordering::Relaxed);
        out.extend(ring.slots_from(start).take(count).map(|slot| slot.load(Ordering::Relaxed)));
        ring.read.store(start.wrapping_add(count), Ordering::Release);
        count
    }

    /// How many of the first samples are from before the beginning ([`PcmSink::pre_roll`](crate::PcmSink::pre_roll)).
    pub fn pre_roll(&self) -> usize {
        self.ring.pre_roll.load(Ordering::Acquire)
    }

    /// Whether audio was refused for lack of room.
    pub fn is_overrun(&self) -> bool {
        self.ring.is_overrun.load(Ordering::Acquire)
    }
}

impl Drop for RingReader {
    fn drop(&mut self) {
        self.ring.is_closed.store(true, Ordering::Release);
    }
}

impl Ring {
    fn waiting(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire))
    }

    /// All slots, from that of `position` on and around.
    fn slots_from(&self, position: usize) -> impl Iterator<Item = &AtomicI16> {
        // The remainder is within the length, which is at least 1.
        let (before, after) = self.slots.split_at_checked(position % self.slots.len()).unwrap_or_default();
        after.iter().chain(before)
    }
}

#[cfg(test)]
mod tests {
    use crate::PcmSink as _;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_whole_and_remembered() {
        let (mut writer, mut reader) = pcm_ring(100);
        writer.push(&[1; 60]).unwrap();
        assert!(!reader.is_overrun());
        writer.push(&[2; 41]).unwrap_err();
        assert!(reader.is_overrun());
        let mut out = Vec::new();
        assert_eq!(reader.read(1000, &mut out), 60);
        assert_eq!(out, [1; 60]);
        assert_eq!(writer.room(), 100);
    }

    #[test]
    fn what_came_before_the_beginning_is_read_first_and_leaves_room() {
        let (mut writer, mut reader) = pcm_ring(100);
        let before: Vec<i16> = (0..80).collect();
        writer.pre_roll(&before);
        writer.push(&[7; 50]).unwrap();
        assert_eq!(reader.pre_roll(), 50);
        let mut out = Vec::new();
        reader.read(50, &mut out);
        assert_eq!(out, before[30..]);
    }

    #[test]
    fn a_writer_without_a_reader_is_not_held_up() {
        let (mut writer, reader) = pcm_ring(10);
        drop(reader);
        assert!(writer.is_closed());
        writer.push(&[1; 50]).unwrap();
    }

    #[test]
    fn samples_keep_their_order_between_threads() {
        let (mut writer, mut reader) = pcm_ring(333);
        let thread = std::thread::spawn(move || {
            let mut next = 0usize;
            while next < 50_000 {
                let count = 160.min(50_000 - next);
                if writer.room() >= count {
                    let part: Vec<i16> = (next..next + count).map(|n| n as i16).collect();
                    writer.push(&part).unwrap();
                    next += count;
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut out = Vec::new();
        while out.len() < 50_000 {
            if reader.read(77, &mut out) == 0 {
                std::thread::yield_now();
            }
        }
        thread.join().unwrap();
        assert!(out.iter().enumerate().all(|(at, sample)| *sample == at as i16));
    }
}
