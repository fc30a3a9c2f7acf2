//! The recent audio of a stream, addressed by its position in the stream.

use std::sync::Arc;

/// A sliding window over a stream of samples.
#[derive(Debug, Default)]
pub(crate) struct AudioWindow {
    /// Stream position of the first sample kept.
    start: u64,
    samples: Vec<i16>,
}

impl AudioWindow {
    pub(crate) fn push(&mut self, samples: &[i16]) {
        self.samples.extend_from_slice(samples);
    }

    /// Stream position after the last sample.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.samples.len() as u64)
    }

    /// Stream position of the first sample kept.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Forgets what lies before `position`. Moves memory only when a good part of it is free.
    pub(crate) fn forget_before(&mut self, position: u64) {
        let unwanted = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let unwanted = unwanted.min(self.samples.len());
        if unwanted >= 16_000 || (unwanted > 0 && unwanted == self.samples.len()) {
            self.samples.drain(..unwanted);
            self.start = self.start.saturating_add(unwanted as u64);
        }
    }

    /// The samples from `from` to `to`, as far as they are kept.
    pub(crate) fn slice(&self, from: u64, to: u64) -> &[i16] {
        let index = |position: u64| {
            usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.samples.len())
        };
        let (from, to) = (index(from), index(to));
        self.samples.get(from..to.max(from)).unwrap_or_default()
    }

    /// As [`slice`](Self::slice), copied so that a worker can hold it.
    pub(crate) fn copy(&self, from: u64, to: u64) -> Arc<[i16]> {
        Arc::from(self.slice(from, to))
    }

    /// The middle of the quietest 30 ms between `from` and `to`: where a cut hurts least.
    pub(crate) fn quietest(&self, from: u64, to: u64) -> u64 {
        const FRAME: usize = 480;
        let from = from.max(self.start);
        let energy = |frame: &[i16]| frame.iter().map(|s| u64::from(s.unsigned_abs())).sum::<u64>();
        let frames = self.slice(from, to).chunks_exact(FRAME);
        let quietest = frames.enumerate().min_by_key(|(_, frame)| energy(frame));
        quietest.map_or(to, |(at, _)| from.saturating_add((at * FRAME + FRAME / 2) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_stay_valid_when_the_past_is_forgotten() {
        let mut window = AudioWindow::default();
        let samples: Vec<i16> = (0..32_000).map(|n| (n % 1000) as i16).collect();
        window.push(&samples);
        window.forget_before(20_000);
        assert_eq!((window.start(), window.end()), (20_000, 32_000));
        assert_eq!(window.slice(20_001, 20_003), &[1, 2]);
        assert_eq!(window.slice(0, 20_002), &[0, 1], "what is forgotten is left out");
        assert_eq!(window.slice(40_000, 50_000), &[] as &[i16]);
    }

    #[test]
    fn a_cut_falls_into_the_quietest_place() {
        let mut window = AudioWindow::default();
        window.push(&[1000; 9600]);
        window.push(&[10; 960]);
        window.push(&[1000; 4800]);
        let cut = window.quietest(0, 15_360);
        assert!((9600..10_560).contains(&cut), "{cut}");
    }
}
