//! Fetching from a real server on loopback, friendly and hostile.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fetch::{FetchConfig, FetchError, Fetcher, Request, SessionFetcher};

/// How often the server was asked.
type Count = Arc<AtomicUsize>;

/// A server on a free port, and how often it was asked for `/counted` and `/tagged`.
async fn server() -> (SocketAddr, Count) {
    let count = Count::default();
    let app = Router::new()
        .route("/grammar", get(|| async { ([("content-type", "application/srgs+xml")], "<grammar/>") }))
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
        .route("/slow", get(|| async { std::future::pending::<Response>().await }))
        .route("/huge", get(|| async { vec![b'x'; 20_000] }))
        .route("/endless", get(endless))
        .route("/loop", get(|| async { Redirect::to("/loop") }))
        .route("/moved", get(|| async { Redirect::temporary("/grammar#rule") }))
        .route("/to-metadata", get(|| async { Redirect::to("http://169.254.169.254/latest/meta-data/") }))
        .route("/to-file", get(|| async { Redirect::to("file:///etc/passwd") }))
        .route("/to-gopher", get(|| async { Redirect::to("gopher://127.0.0.1/") }))
        .route("/bomb", get(bomb))
        .route("/packed", get(|| async { packed(b"<grammar/>") }))
        .route("/login", get(|| async { ([("set-cookie", "session=s3cret; Path=/")], "welcome") }))
        .route("/guarded", get(guarded))
        .route("/counted", get(counted))
        .route("/tagged", get(tagged))
        .with_state(Arc::clone(&count));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, count)
}

async fn endless() -> Body {
    Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1_000]))))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(bytes: &[u8]) -> impl IntoResponse + use<> {
    ([("content-encoding", "gzip"), ("content-type", "application/srgs+xml")], gzip(bytes))
}

async fn bomb() -> impl IntoResponse {
    packed(&vec![0; 5_000_000])
}

async fn guarded(headers: HeaderMap) -> Response {
    let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    if cookie.contains("session=s3cret") { "inside".into_response() } else { StatusCode::FORBIDDEN.into_response() }
}

async fn counted(State(count): State<Count>) -> impl IntoResponse {
    count.fetch_add(1, Ordering::SeqCst);
    ([("cache-control", "max-age=60")], "counted")
}

async fn tagged(State(count): State<Count>, headers: HeaderMap) -> Response {
    count.fetch_add(1, Ordering::SeqCst);
    let tag = [("etag", "\"1\""), ("cache-control", "max-age=0")];
    match headers.get("if-none-match") {
        Some(_) => (StatusCode::NOT_MODIFIED, tag).into_response(),
        None => (tag, "tagged").into_response(),
    }
}

fn config() -> FetchConfig {
    let _another_test_was_first = rustls::crypto::ring::default_provider().install_default();
    FetchConfig {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        document_bytes_max: 10_000,
        ..FetchConfig::default()
    }
}

fn session(config: FetchConfig) -> SessionFetcher {
    Fetcher::new(config).unwrap().session()
}

async fn fetch(session: &SessionFetcher, uri: &str) -> Result<String, FetchError> {
    let document = session.fetch(Request::new(uri, "grammar")).await.outcome?;
    Ok(String::from_utf8(document.content.to_vec()).unwrap())
}

#[tokio::test]
async fn a_document_comes_with_its_type_and_where_it_was_found() {
    let (address, _) = server().await;
    let answer = session(config()).fetch(Request::new(format!("http://{address}/moved"), "grammar")).await;
    let document = answer.outcome.unwrap();
    assert_eq!(document.content, "<grammar/>");
    assert_eq!(document.content_type.as_deref(), Some("application/srgs+xml"));
    assert_eq!(document.location, format!("http://{address}/grammar"));
}

#[tokio::test]
async fn rec_059_a_status_is_the_cause_of_the_failure() {
    let (address, _) = server().await;
    let failure = fetch(&session(config()), &format!("http://{address}/missing")).await.unwrap_err();
    assert_eq!(failure.cause(), "404");
    let nobody = fetch(&session(config()), "http://127.0.0.1:9/").await.unwrap_err();
    assert_eq!(nobody.cause(), "unreachable");
}

#[tokio::test]
async fn ghf_019_sec_011_a_slow_server_is_waited_for_as_long_as_asked_and_no_longer_than_configured() {
    let (address, _) = server().await;
    let mut request = Request::new(format!("http://{address}/slow"), "grammar");
    request.timeout = Some(Duration::from_millis(50));
    let outcome = session(config()).fetch(request.clone()).await.outcome;
    assert_eq!(outcome, Err(FetchError::Timeout(Duration::from_millis(50))));
    request.timeout = Some(Duration::from_secs(1_000_000));
    let impatient = FetchConfig { timeout_max: Duration::from_millis(60), ..config() };
    let outcome = session(impatient).fetch(request).await.outcome;
    assert_eq!(outcome, Err(FetchError::Timeout(Duration::from_millis(60))));
}

#[tokio::test]
async fn sec_011_what_is_too_large_ends_at_the_limit_announced_or_not_packed_or_not() {
    let (address, _) = server().await;
    let session = session(config());
    for path in ["huge", "endless", "bomb"] {
        let outcome = fetch(&session, &format!("http://{address}/{path}")).await;
        assert_eq!(outcome, Err(FetchError::TooLarge(10_000)), "{path}");
    }
    assert_eq!(fetch(&session, &format!("http://{address}/packed")).await.unwrap(), "<grammar/>");
}

#[tokio::test]
async fn sec_011_redirects_are_counted() {
    let (address, _) = server().await;
    assert_eq!(fetch(&session(config()), &format!("http://{address}/loop")).await, Err(FetchError::Redirects));
}

#[tokio::test]
async fn sec_012_a_redirect_is_looked_at_like_any_reference() {
    let (address, _) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let session = session(FetchConfig { file_root: Some(folder.path().to_owned()), ..config() });
    let outcome = |path: &'static str| {
        let uri = format!("http://{address}/{path}");
        let session = session.clone();
        async move { fetch(&session, &uri).await }
    };
    assert_eq!(outcome("to-metadata").await, Err(FetchError::PrivateAddress));
    assert_eq!(outcome("to-file").await, Err(FetchError::Scheme("file".to_owned())));
    assert_eq!(outcome("to-gopher").await, Err(FetchError::Scheme("gopher".to_owned())));
}

#[tokio::test]
async fn sec_012_without_leave_nothing_on_this_machine_is_asked() {
    let (address, count) = server().await;
    let strict = session(FetchConfig { allowed_networks: Vec::new(), ..config() });
    let port = address.port();
    for uri in [format!("http://127.0.0.1:{port}/counted"), format!("http://localhost:{port}/counted")] {
        assert_eq!(fetch(&strict, &uri).await, Err(FetchError::PrivateAddress), "{uri}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn sec_012_sec_013_only_the_schemes_that_are_served_are_served() {
    let session = session(FetchConfig { plain_http: false, ..config() });
    for uri in ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "data:,x", "javascript:1"] {
        assert!(matches!(fetch(&session, uri).await, Err(FetchError::Scheme(_))), "{uri}");
    }
    assert_eq!(fetch(&session, "not a uri").await, Err(FetchError::NotAUri));
}

#[tokio::test]
async fn ghf_024_ghf_025_cookies_are_sent_told_and_kept_to_their_session() {
    let (address, _) = server().await;
    let fetcher = Fetcher::new(config()).unwrap();
    let (first, second) = (fetcher.session(), fetcher.session());
    let guarded = format!("http://{address}/guarded");
    assert_eq!(fetch(&first, &guarded).await, Err(FetchError::Status(403)));
    let answer = first.fetch(Request::new(format!("http://{address}/login"), "grammar")).await;
    assert!(answer.outcome.is_ok());
    let [told] = answer.set_cookies.as_slice() else { panic!("one cookie: {:?}", answer.set_cookies) };
    assert!(told.starts_with("session=s3cret") && told.contains("Domain=127.0.0.1"), "{told}");
    assert_eq!(fetch(&first, &guarded).await.unwrap(), "inside");
    assert_eq!(fetch(&second, &guarded).await, Err(FetchError::Status(403)), "another session has its own");
    second.store_cookies(&["session=s3cret; Domain=127.0.0.1; Path=/".to_owned()], None);
    assert_eq!(fetch(&second, &guarded).await.unwrap(), "inside");
}

#[tokio::test]
async fn ghf_020_what_is_fresh_is_not_asked_for_again_by_any_session() {
    let (address, count) = server().await;
    let fetcher = Fetcher::new(config()).unwrap();
    let uri = format!("http://{address}/counted");
    for _ in 0..3 {
        assert_eq!(fetch(&fetcher.session(), &uri).await.unwrap(), "counted");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let mut request = Request::new(uri, "grammar");
    request.cache_control = "max-age=60, min-fresh=120".to_owned();
    assert!(fetcher.session().fetch(request).await.outcome.is_ok());
    assert_eq!(count.load(Ordering::SeqCst), 2, "it does not stay fresh long enough");
}

#[tokio::test]
async fn ghf_020_what_may_have_changed_is_asked_about_and_not_sent_again() {
    let (address, count) = server().await;
    let session = session(config());
    for _ in 0..2 {
        assert_eq!(fetch(&session, &format!("http://{address}/tagged")).await.unwrap(), "tagged");
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn sec_011_one_session_does_not_take_all_places() {
    let (address, _) = server().await;
    let fetcher = Fetcher::new(FetchConfig { concurrent_per_session_max: 1, ..config() }).unwrap();
    let busy = fetcher.session();
    let slow = busy.fetch(Request::new(format!("http://{address}/slow"), "grammar"));
    let mut waiting = Request::new(format!("http://{address}/grammar"), "grammar");
    waiting.timeout = Some(Duration::from_millis(100));
    let (waited, other) = tokio::select! {
        biased;
        _ = slow => panic!("it never answers"),
        done = async { (busy.fetch(waiting).await.outcome, fetch(&fetcher.session(), &format!("http://{address}/grammar")).await) } => done,
    };
    assert_eq!(waited, Err(FetchError::Timeout(Duration::from_millis(100))));
    assert_eq!(other.unwrap(), "<grammar/>");
}

#[tokio::test]
async fn a_file_is_read_below_the_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("yes.grxml"), "<grammar/>").unwrap();
    let session = session(FetchConfig { file_root: Some(folder.path().to_owned()), ..config() });
    let inside = format!("file://{}/yes.grxml", folder.path().display());
    assert_eq!(fetch(&session, &inside).await.unwrap(), "<grammar/>");
    assert_eq!(fetch(&session, "file:///etc/passwd").await, Err(FetchError::NoSuchFile));
}

#[tokio::test]
async fn sec_010_https_is_spoken_and_a_private_authority_is_trusted_when_it_is_configured() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let certificate = std::fs::read(format!("{fixtures}/server.der")).unwrap();
    let key = std::fs::read(format!("{fixtures}/server.key.der")).unwrap();
    let trusting = session(FetchConfig { ca_file: Some(format!("{fixtures}/ca.pem").into()), ..config() });
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![rustls::pki_types::CertificateDer::from(certificate)],
            rustls::pki_types::PrivateKeyDer::try_from(key).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _some_of_the_request = stream.read(&mut [0; 4_096]).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure").await.unwrap();
                stream.shutdown().await.unwrap();
            });
        }
    });
    let uri = format!("https://localhost:{port}/g");
    assert_eq!(fetch(&trusting, &uri).await.unwrap(), "secure");
    assert_eq!(fetch(&session(config()), &uri).await, Err(FetchError::Tls), "nobody knows the authority");
}
