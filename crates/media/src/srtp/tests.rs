//! The published vectors check a reference of our own (primitives, derivation, formats), and the reference checks what is
//! sent: packets of the library are compared with it octet by octet.

use rtc_srtp::crypto::{AeadAlgorithm, HmacAlgorithm, RTCCrypto, StreamCipherAlgorithm};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|char| char.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn xor(target: &mut [u8], with: &[u8]) {
    target.iter_mut().zip(with).for_each(|(octet, with)| *octet ^= with);
}

/// AES in counter mode, by 128 or 256 bits.
fn counter_mode(key: &[u8], iv: &[u8], text: &mut [u8]) {
    let algorithm = if key.len() == 16 { StreamCipherAlgorithm::Aes128Ctr } else { StreamCipherAlgorithm::Aes256Ctr };
    let iv = <[u8; 16]>::try_from(iv).unwrap();
    RingCrypto.new_stream_cipher(algorithm, key).unwrap().apply_keystream(&iv, text).unwrap();
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut tag = [0; 20];
    RingCrypto.new_hmac(HmacAlgorithm::Sha1, key).unwrap().sign(parts, &mut tag).unwrap();
    tag
}

/// The text encrypted, and the tag after it.
fn gcm(key: &[u8], iv: &[u8], aad: &[u8], text: &[u8]) -> Vec<u8> {
    let algorithm = if key.len() == 16 { AeadAlgorithm::Aes128Gcm } else { AeadAlgorithm::Aes256Gcm };
    let (mut text, mut tag) = (text.to_vec(), [0; 16]);
    let iv = <[u8; 12]>::try_from(iv).unwrap();
    RingCrypto.new_aead(algorithm, key).unwrap().seal_in_place(&iv, aad, &mut text, &mut tag).unwrap();
    text.extend(tag);
    text
}

/// RFC 3711, section 4.3.1; a salt of 96 bits is filled up with zeros (RFC 7714, section 11).
fn derived(key: &[u8], salt: &[u8], label: u8, octets: usize) -> Vec<u8> {
    let mut iv = [0; 16];
    iv[..salt.len()].copy_from_slice(salt);
    iv[7] ^= label;
    let mut derived = vec![0; octets];
    counter_mode(key, &iv, &mut derived);
    derived
}

/// Session keys of one kind of packets.
struct Session {
    suite: SrtpSuite,
    key: Vec<u8>,
    salt: Vec<u8>,
    auth: Vec<u8>,
}

impl Session {
    /// `first_label` is 0 for RTP, 3 for RTCP.
    fn new(suite: SrtpSuite, material: &[u8], first_label: u8) -> Self {
        let (key, salt) = material.split_at(suite.key_octets());
        let of = |label: u8, octets| derived(key, salt, first_label + label, octets);
        Self { suite, key: of(0, key.len()), salt: of(2, salt.len()), auth: of(1, 20) }
    }

    fn is_gcm(&self) -> bool {
        matches!(self.suite, SrtpSuite::AeadAes128Gcm | SrtpSuite::AeadAes256Gcm)
    }

    fn rtp(&self, packet: &[u8], header_octets: usize, rollovers: u32) -> Vec<u8> {
        let (header, text) = packet.split_at(header_octets);
        let (ssrc, sequence) = (&packet[8..12], &packet[2..4]);
        if self.is_gcm() {
            let mut iv = self.salt.clone();
            xor(&mut iv[2..6], ssrc);
            xor(&mut iv[6..10], &rollovers.to_be_bytes());
            xor(&mut iv[10..12], sequence);
            return [header, &gcm(&self.key, &iv, header, text)].concat();
        }
        let mut iv = [self.salt.as_slice(), &[0; 2]].concat();
        xor(&mut iv[4..8], ssrc);
        xor(&mut iv[8..12], &rollovers.to_be_bytes());
        xor(&mut iv[12..14], sequence);
        let mut protected = packet.to_vec();
        counter_mode(&self.key, &iv, &mut protected[header_octets..]);
        let tag = hmac_sha1(&self.auth, &[&protected, &rollovers.to_be_bytes()]);
        let tag_octets = if self.suite == SrtpSuite::AesCm128HmacSha1_32 { 4 } else { 10 };
        protected.extend(&tag[..tag_octets]);
        protected
    }

    fn rtcp(&self, packet: &[u8], index: u32) -> Vec<u8> {
        let (header, text) = packet.split_at(8);
        let word = (index | 1 << 31).to_be_bytes();
        if self.is_gcm() {
            let mut iv = self.salt.clone();
            xor(&mut iv[2..6], &header[4..]);
            xor(&mut iv[8..12], &index.to_be_bytes());
            let aad = [header, &word].concat();
            return [header, &gcm(&self.key, &iv, &aad, text), &word].concat();
        }
        let mut iv = [self.salt.as_slice(), &[0; 2]].concat();
        xor(&mut iv[4..8], &header[4..]);
        xor(&mut iv[10..14], &index.to_be_bytes());
        let mut protected = packet.to_vec();
        counter_mode(&self.key, &iv, &mut protected[8..]);
        protected.extend(word);
        let tag = hmac_sha1(&self.auth, &[&protected]);
        protected.extend(&tag[..10]);
        protected
    }
}

fn material(suite: SrtpSuite, seed: u8) -> Vec<u8> {
    (0..suite.material_octets()).map(|at| seed.wrapping_add((at as u8).wrapping_mul(7))).collect()
}

fn keys(suite: SrtpSuite, local: u8, remote: u8) -> SrtpKeys {
    let key = |seed| SrtpKey::new(suite, &material(suite, seed)).unwrap();
    SrtpKeys { local: key(local), remote: key(remote), remote_lifetime: None }
}

/// Two sides that understand each other.
fn sides(suite: SrtpSuite) -> (Srtp, Srtp) {
    (Srtp::new(keys(suite, 1, 2)), Srtp::new(keys(suite, 2, 1)))
}

fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend(1600_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160).map(|at| at as u8));
    packet
}

fn report(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x81, 202, 0, 2, 1, 2, 3, 4, 1, 2, 3, 4]);
    packet
}

#[test]
fn sec_007_the_vectors_of_rfc_3711_appendix_b_hold() {
    // B.2: the keystream of AES in counter mode.
    let mut stream = [0; 48];
    counter_mode(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), &hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), &mut stream);
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream.to_vec(), hex(expected));
    // B.3: the session keys.
    let (key, salt) = (hex("E1F97A0D3E018BE0D64FA32C06DE4139"), hex("0EC675AD498AFEEBB6960B3AABE6"));
    assert_eq!(derived(&key, &salt, 0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived(&key, &salt, 2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let auth = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098";
    assert_eq!(derived(&key, &salt, 1, 48), hex(auth));
}

#[test]
fn sec_007_the_vectors_of_rfc_7714_hold() {
    let salt = hex("517569642070726f2071756f");
    let packet =
        hex("8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e20706172746573207472\
                      6573");
    let key = |octets: u8| (0..octets).collect::<Vec<u8>>();
    let with = |suite, octets| Session { suite, key: key(octets), salt: salt.clone(), auth: Vec::new() };
    // Section 16.1.1.
    let expected = "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
                    899d7f27beb16a9152cf765ee4390cce";
    assert_eq!(with(SrtpSuite::AeadAes128Gcm, 16).rtp(&packet, 12, 0), hex(expected));
    // Section 16.2.1.
    let expected = "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
                    7aa3db36dfffd6b0f9bb7878d7a76c13";
    assert_eq!(with(SrtpSuite::AeadAes256Gcm, 32).rtp(&packet, 12, 0), hex(expected));
    // Section 17.1.
    let report = hex(
        "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    );
    let expected = "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b\
                    c84aa45896cf4d2fc5abf87245d9eade 800005d4";
    assert_eq!(with(SrtpSuite::AeadAes128Gcm, 16).rtcp(&report, 0x5d4), hex(expected));
}

#[test]
fn sec_007_what_is_sent_is_what_the_reference_says() {
    for suite in SrtpSuite::ALL {
        let mut srtp = Srtp::new(keys(suite, 1, 2));
        let (audio, control) =
            (Session::new(suite, &material(suite, 1), 0), Session::new(suite, &material(suite, 1), 3));
        for (sequence, rollovers) in [(65_534, 0), (65_535, 0), (0, 1), (1, 1)] {
            let packet = rtp(7, sequence);
            assert_eq!(srtp.protect(&packet).unwrap(), audio.rtp(&packet, 12, rollovers), "{suite:?} {sequence}");
        }
        for index in 1..4 {
            assert_eq!(srtp.protect_rtcp(&report(7)).unwrap(), control.rtcp(&report(7), index), "{suite:?} {index}");
        }
    }
}

#[test]
fn sec_007_a_whole_header_is_left_readable_and_is_authentic() {
    // One contributing source, an extension of one word that no form of RFC 8285 can have.
    let mut packet = rtp(7, 9);
    packet[0] = 0x91;
    packet.splice(12..12, [0, 0, 0, 5, 0xbe, 0xde, 0, 1, 0, 0xff, 0, 0]);
    for suite in SrtpSuite::ALL {
        let (_, mut receiver) = sides(suite);
        let protected = Session::new(suite, &material(suite, 1), 0).rtp(&packet, 24, 0);
        assert_eq!(protected[..24], packet[..24]);
        assert_eq!(receiver.unprotect(&protected), Ok(packet.as_slice()), "{suite:?}");
    }
}

#[test]
fn sec_008_what_came_before_or_is_too_old_is_refused() {
    for suite in SrtpSuite::ALL {
        let (mut sender, mut receiver) = sides(suite);
        let sent: Vec<Vec<u8>> = (0..400).map(|sequence| sender.protect(&rtp(7, sequence)).unwrap().to_vec()).collect();
        assert!(receiver.unprotect(&sent[10]).is_ok());
        assert_eq!(receiver.unprotect(&sent[10]), Err(DropReason::Replayed));
        assert!(receiver.unprotect(&sent[300]).is_ok(), "losses do no harm");
        assert!(receiver.unprotect(&sent[299]).is_ok(), "and neither does reordering");
        assert_eq!(receiver.unprotect(&sent[100]), Err(DropReason::Replayed), "out of the window");
        let report = sender.protect_rtcp(&report(7)).unwrap().to_vec();
        assert!(receiver.unprotect_rtcp(&report).is_ok());
        assert_eq!(receiver.unprotect_rtcp(&report), Err(DropReason::Replayed));
    }
}

#[test]
fn sec_008_the_sequence_may_roll_over_with_losses_and_reordering() {
    for suite in SrtpSuite::ALL {
        let (mut sender, mut receiver) = sides(suite);
        let sent: Vec<Vec<u8>> =
            (64_000..67_000_u32).map(|number| sender.protect(&rtp(7, number as u16)).unwrap().to_vec()).collect();
        // Every tenth is lost, and neighbours change places.
        let order = (0..sent.len()).filter(|at| at % 10 != 3).map(|at| (at ^ 1).min(sent.len() - 1));
        let refused = order.filter(|at| receiver.unprotect(&sent[*at]).is_err()).count();
        assert_eq!(refused, 0, "{suite:?}");
    }
}

#[test]
fn sec_007_clear_packets_other_keys_and_changed_packets_are_refused() {
    for suite in SrtpSuite::ALL {
        let (mut sender, mut receiver) = sides(suite);
        assert_eq!(receiver.unprotect(&rtp(7, 1)), Err(DropReason::Unprotected), "in clear");
        assert_eq!(receiver.unprotect_rtcp(&report(7)), Err(DropReason::Unprotected));
        let mut in_clear = report(7);
        in_clear.extend([0; 14]);
        assert_eq!(receiver.unprotect_rtcp(&in_clear), Err(DropReason::Unprotected), "without the mark of encryption");
        let stranger = Srtp::new(keys(suite, 9, 9)).protect(&rtp(7, 1)).unwrap().to_vec();
        assert_eq!(receiver.unprotect(&stranger), Err(DropReason::Unprotected), "another key");
        let packet = sender.protect(&rtp(7, 1)).unwrap().to_vec();
        for at in 1..packet.len() {
            let mut changed = packet.clone();
            changed[at] ^= 1;
            assert!(receiver.unprotect(&changed).is_err(), "octet {at}");
        }
        for cut in testkit::every_truncation(&packet) {
            assert!(receiver.unprotect(cut).is_err());
            assert!(receiver.unprotect_rtcp(cut).is_err());
        }
        assert!(receiver.unprotect(&packet).is_ok(), "nothing of that was remembered");
    }
}

#[test]
fn sec_007_after_a_new_key_the_old_one_counts_until_the_first_packet_under_the_new_one() {
    let suite = SrtpSuite::AeadAes128Gcm;
    let (mut sender, mut receiver) = sides(suite);
    let old: Vec<Vec<u8>> = (0..3).map(|sequence| sender.protect(&rtp(7, sequence)).unwrap().to_vec()).collect();
    assert!(receiver.unprotect(&old[0]).is_ok());
    sender.rekey(keys(suite, 3, 2));
    receiver.rekey(keys(suite, 2, 3));
    assert!(receiver.unprotect(&old[1]).is_ok(), "on its way still");
    let new = sender.protect(&rtp(7, 3)).unwrap().to_vec();
    assert!(receiver.unprotect(&new).is_ok());
    assert_eq!(receiver.unprotect(&old[2]), Err(DropReason::Unprotected));
    // The direction whose key stayed goes on: its packets are known.
    let back = receiver.protect(&rtp(8, 1)).unwrap().to_vec();
    assert!(sender.unprotect(&back).is_ok());
    sender.rekey(keys(suite, 4, 2));
    assert_eq!(sender.unprotect(&back), Err(DropReason::Replayed));
}

#[test]
fn a_key_serves_for_its_lifetime() {
    let suite = SrtpSuite::AesCm128HmacSha1_80;
    let (mut sender, _) = sides(suite);
    let mut receiver = Srtp::new(SrtpKeys { remote_lifetime: Some(2), ..keys(suite, 2, 1) });
    let opened: Vec<bool> =
        (0..4).map(|sequence| receiver.unprotect(sender.protect(&rtp(7, sequence)).unwrap()).is_ok()).collect();
    assert_eq!(opened, [true, true, false, false]);
}

#[test]
fn keys_are_not_shown_by_debug() {
    let shown = format!("{:?}", Srtp::new(keys(SrtpSuite::AeadAes256Gcm, 77, 78)));
    assert!(shown.contains("AeadAes256Gcm") && !shown.contains("77") && !shown.contains("78"), "{shown}");
}
