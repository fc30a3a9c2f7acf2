//! Audio on its way from a synthesizer to a leg, and the sink that takes audio from a leg to a recognizer.

use std::sync::atomic::{AtomicI16, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Samples per segment: half a second at 8 kHz. Memory grows with what was written, a segment at a time.
const SEGMENT_SAMPLES: usize = 4096;

/// More audio was offered than the receiver of it may hold. Nothing of the offered samples was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmOverrun;

impl std::fmt::Display for PcmOverrun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("more audio than the buffer may hold")
    }
}

impl std::error::Error for PcmOverrun {}

/// Takes decoded audio from a leg, 16-bit mono at the leg's clock rate. Called on a media thread: must not block.
pub trait PcmSink: Send {
    /// Takes `samples`, at most 200 ms at a time, or none of them.
    ///
    /// # Errors
    /// [`PcmOverrun`] when there is no room. The leg then ends the capture: missing audio makes wrong text.
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun>;

    /// Is told once, before anything else, of what came just before it began to take audio, up to half a second. Who
    /// does not listen to speech lets it pass.
    fn pre_roll(&mut self, samples: &[i16]) {
        _ = samples;
    }
}

/// Whether more will be written to a [`PcmBuffer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcmState {
    /// More may come.
    Open,
    /// All audio is there.
    Finished,
    /// The writer gave up. What was written before can be played.
    Failed,
}

/// One utterance: 16-bit mono samples, written from the front by a synthesizer and read by a leg.
///
/// Clones share the samples. Any number of legs may play one buffer, each from the beginning, so a finished buffer can
/// be kept as a cached prompt. A reader takes no lock: a writer that was preempted cannot delay a media thread. Samples
/// are kept until the last clone is dropped.
#[derive(Clone)]
pub struct PcmBuffer {
    shared: Arc<Shared>,
}

struct Shared {
    sample_rate_hz: u32,
    capacity_samples: usize,
    segments: Box<[OnceLock<Box<[AtomicI16]>>]>,
    /// Samples that readers may look at. Only grows; only moved by the holder of `writer`.
    written: AtomicUsize,
    state: AtomicU8,
    writer: Mutex<()>,
}

const OPEN: u8 = 0;
const FINISHED: u8 = 1;
const FAILED: u8 = 2;

impl PcmBuffer {
    /// An empty, open buffer for at most `capacity_samples` samples.
    pub fn new(sample_rate_hz: u32, capacity_samples: usize) -> Self {
        let segments = (0..capacity_samples.div_ceil(SEGMENT_SAMPLES)).map(|_| OnceLock::new()).collect();
        Self {
            shared: Arc::new(Shared {
                sample_rate_hz,
                capacity_samples,
                segments,
                written: AtomicUsize::new(0),
                state: AtomicU8::new(OPEN),
                writer: Mutex::new(()),
            }),
        }
    }

    /// A finished buffer that holds exactly `samples`.
    pub fn from_samples(sample_rate_hz: u32, samples: &[i16]) -> Self {
        let buffer = Self::new(sample_rate_hz, samples.len());
        // The capacity is the length, so there is room.
        _ = buffer.push(samples);
        buffer.finish();
        buffer
    }

    /// Appends `samples`. Ignored, as a success, once the buffer was finished or failed: the reader is gone.
    ///
    /// # Errors
    /// [`PcmOverrun`] when they do not all fit; then none is taken.
    pub fn push(&self, samples: &[i16]) -> Result<(), PcmOverrun> {
        let _writing = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.state() != PcmState::Open {
            return Ok(());
        }
        let start = self.shared.written.load(Ordering::Relaxed);
        let end =
            start.checked_add(samples.len()).filter(|end| *end <= self.shared.capacity_samples).ok_or(PcmOverrun)?;
        let mut rest = samples;
        let mut at = start;
        while !rest.is_empty() {
            let offset = at % SEGMENT_SAMPLES;
            let (now, later) = rest.split_at(rest.len().min(SEGMENT_SAMPLES - offset));
            let cell = self.shared.segments.get(at / SEGMENT_SAMPLES).ok_or(PcmOverrun)?;
            let segment = cell.get_or_init(|| (0..SEGMENT_SAMPLES).map(|_| AtomicI16::new(0)).collect());
            for (slot, sample) in segment.iter().skip(offset).zip(now) {
                slot.store(*sample, Ordering::Relaxed);
            }
            at += now.len();
            rest = later;
        }
        self.shared.written.store(end, Ordering::Release);
        Ok(())
    }

    /// Says that all audio was written. A failed buffer stays failed.
    pub fn finish(&self) {
        self.close(FINISHED);
    }

    /// Says that no more audio will come because the writer failed or was cancelled. A finished buffer stays finished.
    pub fn fail(&self) {
        self.close(FAILED);
    }

    /// Copies samples from position `from` into `out` and returns how many there were: fewer than `out.len()` when
    /// less has been written so far.
    pub fn read(&self, from: usize, out: &mut [i16]) -> usize {
        let available = self.samples_written().saturating_sub(from).min(out.len());
        let mut copied = 0;
        while copied < available {
            let at = from + copied;
            let Some(segment) = self.shared.segments.get(at / SEGMENT_SAMPLES).and_then(OnceLock::get) else { break };
            let source = segment.iter().skip(at % SEGMENT_SAMPLES);
            let target = out.get_mut(copied..available).unwrap_or_default();
            let mut moved = 0;
            for (sample, slot) in target.iter_mut().zip(source) {
                *sample = slot.load(Ordering::Relaxed);
                moved += 1;
            }
            copied += moved;
        }
        copied
    }

    /// Whether more may come. To know that the end was reached, ask for the state first and for
    /// [`samples_written`](Self::samples_written) after.
    pub fn state(&self) -> PcmState {
        match self.shared.state.load(Ordering::Acquire) {
            OPEN => PcmState::Open,
            FINISHED => PcmState::Finished,
            _ => PcmState::Failed,
        }
    }

    /// Samples written so far.
    pub fn samples_written(&self) -> usize {
        self.shared.written.load(Ordering::Acquire)
    }

    /// The most samples that it may hold.
    pub fn capacity_samples(&self) -> usize {
        self.shared.capacity_samples
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.shared.sample_rate_hz
    }

    /// Length of what was written so far, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        (self.samples_written() as u64).saturating_mul(1000) / u64::from(self.shared.sample_rate_hz.max(1))
    }

    fn close(&self, state: u8) {
        let _writing = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        _ = self.shared.state.compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl std::fmt::Debug for PcmBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcmBuffer")
            .field("sample_rate_hz", &self.shared.sample_rate_hz)
            .field("samples_written", &self.samples_written())
            .field("state", &self.state())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_across_segments() {
        let buffer = PcmBuffer::new(8000, 20_000);
        let samples: Vec<i16> = (0..20_000).map(|n| n as i16).collect();
        for part in samples.chunks(777) {
            buffer.push(part).unwrap();
        }
        let mut out = vec![0; 20_100];
        assert_eq!(buffer.read(0, &mut out), 20_000);
        assert_eq!(out[..20_000], samples);
        let mut out = [0; 10];
        assert_eq!(buffer.read(SEGMENT_SAMPLES - 5, &mut out), 10);
        assert_eq!(out, samples[SEGMENT_SAMPLES - 5..SEGMENT_SAMPLES + 5]);
    }

    #[test]
    fn an_overrun_takes_nothing() {
        let buffer = PcmBuffer::new(8000, 100);
        buffer.push(&[1; 60]).unwrap();
        assert_eq!(buffer.push(&[2; 41]), Err(PcmOverrun));
        assert_eq!(buffer.samples_written(), 60);
        buffer.push(&[3; 40]).unwrap();
        assert_eq!(buffer.samples_written(), 100);
    }

    #[test]
    fn the_first_ending_stays() {
        let buffer = PcmBuffer::new(8000, 100);
        buffer.fail();
        buffer.finish();
        assert_eq!(buffer.state(), PcmState::Failed);
        assert_eq!(buffer.push(&[1; 10]), Ok(()));
        assert_eq!(buffer.samples_written(), 0);
    }

    #[test]
    fn reading_past_the_end_gives_nothing() {
        let buffer = PcmBuffer::from_samples(8000, &[1, 2, 3]);
        assert_eq!(buffer.read(3, &mut [0; 4]), 0);
        assert_eq!(buffer.read(usize::MAX, &mut [0; 4]), 0);
        assert_eq!(buffer.state(), PcmState::Finished);
    }

    #[test]
    fn a_reader_on_another_thread_sees_all_samples_in_order() {
        let buffer = PcmBuffer::new(8000, 100_000);
        let writer = buffer.clone();
        let thread = std::thread::spawn(move || {
            let mut next = 0i32;
            while next < 100_000 {
                let part: Vec<i16> = (next..(next + 250)).map(|n| n as i16).collect();
                writer.push(&part).unwrap();
                next += 250;
            }
            writer.finish();
        });
        let mut at = 0;
        loop {
            let state = buffer.state();
            let mut out = [0; 160];
            let count = buffer.read(at, &mut out);
            for (offset, sample) in out[..count].iter().enumerate() {
                assert_eq!(*sample, (at + offset) as i16);
            }
            at += count;
            if count == 0 && state == PcmState::Finished {
                break;
            }
        }
        thread.join().unwrap();
        assert_eq!(at, 100_000);
    }
}
