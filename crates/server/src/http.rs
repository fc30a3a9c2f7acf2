//! `/metrics`, `/healthz` and `/readyz` over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;

struct Served {
    metrics: PrometheusHandle,
    admission: Admission,
}

/// Binds `address`; [`serve`] answers on the result.
///
/// # Errors
/// When the port cannot be bound.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `stop` is cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: PrometheusHandle,
    admission: Admission,
    stop: CancellationToken,
) {
    let app = Router::new()
        .route("/metrics", get(metrics_page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .with_state(Arc::new(Served { metrics, admission }));
    let stopped = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
        tracing::error!(error = %error, "the HTTP server ended");
    }
}

async fn metrics_page(State(served): State<Arc<Served>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], served.metrics.render())
}

/// 200 while new calls are accepted, 503 while draining: a load balancer stops sending calls here.
async fn readiness(State(served): State<Arc<Served>>) -> impl IntoResponse {
    if served.admission.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
