//! Over HTTP: `/metrics`, `/healthz`, `/readyz`, and recordings.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use recording::Storage;
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;

/// The path below which recordings are served.
pub(crate) const RECORDINGS: &str = "/recordings";

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

/// The pages for operators.
pub(crate) fn operation(metrics: PrometheusHandle, admission: Admission) -> Router {
    Router::new()
        .route("/metrics", get(metrics_page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .with_state(Arc::new(Served { metrics, admission }))
}

/// Recordings, for whoever knows their names.
pub(crate) fn recordings(storage: Storage) -> Router {
    Router::new().route(&format!("{RECORDINGS}/{{name}}"), get(recording)).with_state(storage)
}

/// Answers until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let stopped = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
        tracing::error!(error = %error, "the HTTP server ended");
    }
}

/// One recording. It is somebody's voice: no cache on the way keeps it, and no browser takes it for a page.
async fn recording(State(storage): State<Storage>, Path(name): Path<String>) -> Response {
    // A table is looked up and a file is opened: short enough for this task.
    let Some(served) = storage.served(&name) else {
        return (StatusCode::NOT_FOUND, "no such recording\n").into_response();
    };
    let kind = HeaderValue::from_str(&served.media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_LENGTH, HeaderValue::from(served.size_bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let content = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(served.file)));
    (headers, content).into_response()
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
