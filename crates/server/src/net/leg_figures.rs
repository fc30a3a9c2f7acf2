//! What a leg leaves behind: the figures of its life, for metrics and the session's log.

use media::{DropReason, Leg};
use metrics::{counter, histogram};

/// Publishes the figures of a leg that ends, and logs them within the session's span.
pub(super) fn publish(leg: &Leg, session: &tracing::Span) {
    let (counters, figures) = (*leg.counters(), leg.figures());
    if let Some(ratio) = figures.lost_ratio {
        histogram!("media_lost_ratio").record(ratio);
        histogram!("media_jitter_seconds").record(figures.jitter_ms / 1000.0);
    }
    if let Some(ratio) = figures.peer_lost_ratio {
        histogram!("media_peer_lost_ratio").record(ratio);
    }
    if let Some(ms) = figures.peer_jitter_ms {
        histogram!("media_peer_jitter_seconds").record(ms / 1000.0);
    }
    if let Some(ms) = figures.round_trip_ms {
        histogram!("media_round_trip_seconds").record(f64::from(ms) / 1000.0);
    }
    if let Some(score) = figures.mean_opinion_score {
        histogram!("media_mean_opinion_score").record(score);
    }
    if let Some(score) = figures.peer_mean_opinion_score {
        histogram!("media_peer_mean_opinion_score").record(score);
    }
    for reason in DropReason::ALL {
        let dropped = counters.dropped.of(reason);
        if dropped > 0 {
            counter!("media_packets_dropped_total", "reason" => reason.label()).increment(dropped);
        }
    }
    session.in_scope(|| {
        tracing::info!(
            received = counters.packets_received,
            lost = counters.packets_lost,
            late = counters.packets_late,
            jitter_ms = figures.jitter_ms,
            opinion = figures.mean_opinion_score,
            sent = counters.packets_sent,
            peer_lost_ratio = figures.peer_lost_ratio,
            peer_jitter_ms = figures.peer_jitter_ms,
            peer_opinion = figures.peer_mean_opinion_score,
            round_trip_ms = figures.round_trip_ms,
            dropped = counters.dropped.total(),
            "leg ended"
        );
    });
}
