//! What a leg leaves behind: the figures of its life, for metrics and the log.

use media::{DropReason, Leg};
use metrics::{counter, histogram};

/// Publishes the figures of a leg that ends.
pub(super) fn publish(leg: &Leg) {
    let (counters, peer) = (*leg.counters(), *leg.peer_report());
    let received = counters.packets_received + counters.packets_lost;
    if received > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for a histogram")]
        histogram!("media_lost_ratio").record(counters.packets_lost as f64 / received as f64);
        histogram!("media_jitter_seconds").record(f64::from(counters.jitter_ms) / 1000.0);
    }
    if let Some(ms) = peer.round_trip_ms {
        histogram!("media_round_trip_seconds").record(f64::from(ms) / 1000.0);
    }
    let delay_ms = peer.round_trip_ms.unwrap_or(0) / 2;
    if let Some(score) = counters.mean_opinion_score(delay_ms) {
        histogram!("media_mean_opinion_score").record(f64::from(score));
    }
    for reason in DropReason::ALL {
        let dropped = counters.dropped.of(reason);
        if dropped > 0 {
            counter!("media_packets_dropped_total", "reason" => reason.label()).increment(dropped);
        }
    }
    tracing::debug!(
        received = counters.packets_received,
        lost = counters.packets_lost,
        late = counters.packets_late,
        jitter_ms = counters.jitter_ms,
        sent = counters.packets_sent,
        lost_by_peer = peer.lost,
        round_trip_ms = peer.round_trip_ms,
        dropped = counters.dropped.total(),
        "leg closed"
    );
}
