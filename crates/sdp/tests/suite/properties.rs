//! Laws that hold for random descriptions and bytes.

use std::net::IpAddr;

use proptest::prelude::*;
use sdp::{
    Audio, AudioTransport, ConnectionUse, Control, ControlTransport, Crypto, Direction, Encoding, EncodingName, Format,
    InlineKey, KeyMaterial, Media, Origin, OtherMedia, Rtcp, SessionDescription, Setup, fuzz,
};

const TOKEN: &str = "[A-Za-z0-9][A-Za-z0-9-]{0,10}";

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

prop_compose! {
    fn controls()(
        port in any::<u16>(),
        address in addresses(),
        is_tls in any::<bool>(),
        setup in prop::option::of(prop_oneof![Just(Setup::Active), Just(Setup::Passive), Just(Setup::Actpass), Just(Setup::Holdconn)]),
        connection in prop::option::of(prop_oneof![Just(ConnectionUse::New), Just(ConnectionUse::Existing)]),
        resources in prop::collection::vec(TOKEN, 0..3),
        channel in prop::option::of("[0-9a-f]{1,16}@[a-z]{1,12}"),
        cmids in prop::collection::vec(TOKEN, 0..3),
        result_formats in prop::collection::vec("[a-z]{1,8}/[a-z+]{1,8}", 0..2),
    ) -> Media {
        let transport = if is_tls { ControlTransport::Tls } else { ControlTransport::Tcp };
        Media::Control(Control { port, transport, address: Some(address), setup, connection, resources, channel, cmids, result_formats })
    }
}

prop_compose! {
    fn formats()(
        payload_type in 0_u8..=127,
        rtpmap in prop::option::of((TOKEN, 1_u32..100_000, 1_u8..4)),
        fmtp in prop::option::of("[a-z0-9=;-]{1,20}"),
    ) -> Format {
        let encoding = |(name, clock_rate_hz, channels): (String, u32, u8)| {
            Encoding { name: EncodingName::new(&name), clock_rate_hz, channels }
        };
        Format { payload_type, rtpmap: rtpmap.map(encoding), fmtp }
    }
}

prop_compose! {
    fn keys()(
        octets in prop::collection::vec(any::<u8>(), 0..48),
        lifetime in prop::option::of(prop_oneof![1..u64::MAX, (0..64_u32).prop_map(|exponent| 1 << exponent)]),
        mki in prop::option::of((any::<u64>(), 1..=128_u8)),
    ) -> InlineKey {
        InlineKey { material: KeyMaterial::new(&octets), lifetime, mki }
    }
}

prop_compose! {
    fn cryptos()(
        tag in 0..1_000_000_000_u32,
        suite in "[A-Z0-9_]{1,20}",
        keys in prop::collection::vec(keys(), 1..3),
        parameters in prop::collection::vec("-?[A-Z]{1,8}(=[a-z0-9]{1,4})?", 0..3),
    ) -> Crypto {
        Crypto { tag, suite, keys, parameters }
    }
}

prop_compose! {
    fn audios()(
        port in any::<u16>(),
        transport in prop::sample::select(vec!["RTP/AVP", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP"]),
        address in addresses(),
        mut formats in prop::collection::vec(formats(), 1..6),
        ptime_ms in prop::option::of(any::<u32>()),
        maxptime_ms in prop::option::of(any::<u32>()),
        direction in prop_oneof![
            Just(Direction::Sendrecv), Just(Direction::Sendonly), Just(Direction::Recvonly), Just(Direction::Inactive)
        ],
        mid in prop::option::of(TOKEN),
        rtcp in prop::option::of((any::<u16>(), prop::option::of(addresses()))),
        cryptos in prop::collection::vec(cryptos(), 0..3),
    ) -> Media {
        let transport = AudioTransport::from_token(transport);
        let mut seen = std::collections::BTreeSet::new();
        formats.retain(|format| seen.insert(format.payload_type));
        let rtcp = rtcp.map(|(port, address)| Rtcp { port, address });
        Media::Audio(Audio {
            port, transport, address: Some(address), formats, ptime_ms, maxptime_ms, direction, mid, rtcp, cryptos,
        })
    }
}

prop_compose! {
    fn others()(port in any::<u16>(), mid in prop::option::of(TOKEN)) -> Media {
        let (kind, transport, formats) = ("video".to_owned(), "RTP/AVP".to_owned(), "96 97".to_owned());
        Media::Other(OtherMedia { kind, port, transport, formats, mid })
    }
}

prop_compose! {
    fn descriptions()(
        username in TOKEN,
        session_id in any::<u64>(),
        version in any::<u64>(),
        own in addresses(),
        address in addresses(),
        media in prop::collection::vec(prop_oneof![controls(), audios(), others()], 0..6),
    ) -> SessionDescription {
        let origin = Origin { username, session_id: session_id.to_string(), version, address: own.to_string() };
        SessionDescription { origin, session_name: "-".to_owned(), address: Some(address), media }
    }
}

proptest! {
    #[test]
    fn a_printed_description_reads_back_the_same(description in descriptions()) {
        let text = description.to_string();
        prop_assert_eq!(SessionDescription::parse(text.as_bytes()), Ok(description), "{}", text);
    }

    #[test]
    fn any_description_is_answered_line_by_line(description in descriptions()) {
        fuzz::session(description.to_string().as_bytes());
    }

    #[test]
    fn a_description_with_changed_bytes_breaks_nothing(
        description in descriptions(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = description.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::session(&bytes);
    }

    #[test]
    fn no_bytes_break_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::session(&[b"v=0\r\n", bytes.as_slice()].concat());
    }
}
