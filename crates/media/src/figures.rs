//! How both streams of a leg fared, for metrics and the log.

use crate::leg::Leg;

/// What a leg's life comes to. Ratios are of packets expected, 0 to 1; opinions are 1 (bad) to 4.5.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LegFigures {
    /// The part of the peer's packets that we missed; `None`: nothing came.
    pub lost_ratio: Option<f64>,
    /// Interarrival jitter of the peer's packets, in milliseconds.
    pub jitter_ms: f64,
    /// How what came sounds; see [`opinion`].
    pub mean_opinion_score: Option<f64>,
    /// The part of our packets that the peer says it missed; `None`: it did not say.
    pub peer_lost_ratio: Option<f64>,
    /// Interarrival jitter of our packets at the peer, in milliseconds.
    pub peer_jitter_ms: Option<f64>,
    /// How what we sent sounds to the peer.
    pub peer_mean_opinion_score: Option<f64>,
    /// From our report to the peer's answer, without its own delay, in milliseconds.
    pub round_trip_ms: Option<u32>,
}

/// The listener's opinion by the E-model (ITU-T G.107) in its usual short form: everything at its default but delay and loss.
///
/// `R = 93.2 - Id - Ie,eff`, where `Id = 0.024 d + 0.11 max(0, d - 177.3)` of the one-way delay `d` in milliseconds (Cole and
/// Rosenbluth, 2001, for G.107's curve), and `Ie,eff = 95 P / (P + 25.1)` of the loss `P` in per cent: G.107 (7-29) for
/// random loss of G.711 with concealment (G.113, appendix I). The opinion is that of G.107, annex B. Other codecs count as G.711: the
/// estimate is of the network.
pub fn opinion(lost_ratio: f64, delay_ms: f64) -> f64 {
    let (loss_percent, delay_ms) = (100.0 * lost_ratio.clamp(0.0, 1.0), delay_ms.max(0.0));
    let of_delay = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
    let of_loss = 95.0 * loss_percent / (loss_percent + 25.1);
    let r = (93.2 - of_delay - of_loss).clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

impl LegFigures {
    /// Of a leg as it is now. The delay that the opinions count is half of the round trip, a packet, and the jitter.
    pub(crate) fn of(leg: &Leg) -> Self {
        let (config, counters, peer) = (leg.config(), leg.counters(), leg.peer_report());
        let timestamps_per_ms = f64::from(config.timestamp_hz()) / 1000.0;
        let ratio = |lost: u64, expected: u64| (expected > 0).then(|| (lost as f64 / expected as f64).min(1.0));
        let delay_ms = |jitter_ms: f64| {
            f64::from(peer.round_trip_ms.unwrap_or(0)) / 2.0 + f64::from(config.media.ptime.ms()) + jitter_ms
        };
        let lost_ratio = ratio(counters.packets_lost, counters.packets_received + counters.packets_lost);
        let jitter_ms = f64::from(counters.jitter_ms);
        let peer_lost_ratio = (peer.blocks > 0).then(|| ratio(u64::from(peer.lost), counters.packets_sent)).flatten();
        let peer_jitter_ms = peer_lost_ratio.map(|_| f64::from(peer.jitter) / timestamps_per_ms);
        Self {
            lost_ratio,
            jitter_ms,
            mean_opinion_score: lost_ratio.map(|lost| opinion(lost, delay_ms(jitter_ms))),
            peer_lost_ratio,
            peer_jitter_ms,
            peer_mean_opinion_score: peer_lost_ratio
                .zip(peer_jitter_ms)
                .map(|(lost, jitter_ms)| opinion(lost, delay_ms(jitter_ms))),
            round_trip_ms: peer.round_trip_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opinion_falls_with_loss_and_delay() {
        // R of 93.2 is 4.41 (G.107, annex B).
        assert!((opinion(0.0, 0.0) - 4.41).abs() < 0.01, "{}", opinion(0.0, 0.0));
        let lossy = opinion(0.05, 20.0);
        assert!((3.7..4.0).contains(&lossy), "{lossy}");
        assert!(opinion(0.0, 400.0) < 3.8);
        assert!((1.0..1.6).contains(&opinion(1.0, 1000.0)));
        for percent in 0..100 {
            let at = |percent: i32| opinion(f64::from(percent) / 100.0, 100.0);
            assert!(at(percent + 1) <= at(percent), "{percent} %");
        }
    }
}
