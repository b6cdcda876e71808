//! Vectors of the RFCs, an independent implementation as the other side, and
//! what must be refused.

use std::mem::MaybeUninit;

use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::keys::SessionKey;
use super::*;

const PROFILES: [Profile; 3] =
    [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A master key of `profile` in which no two bytes are alike.
fn master(profile: Profile) -> MasterKey {
    let bytes: Vec<u8> = (1..=64).collect();
    MasterKey::new(profile, &bytes[..profile.key_len()], &bytes[40..40 + profile.salt_len()])
        .unwrap()
}

/// A context of the `rtc-srtp` crate under the same master key.
fn other_side(profile: Profile) -> Context {
    let bytes: Vec<u8> = (1..=64).collect();
    let theirs = match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Profile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    Context::new(
        &bytes[..profile.key_len()],
        &bytes[40..40 + profile.salt_len()],
        theirs,
        None,
        None,
        default_provider().unwrap().crypto(),
    )
    .unwrap()
}

/// A packet with two contributing sources and an extension of two words.
fn rtp(sequence: u16, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut packet = vec![0x92, 0x60];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&unhex("01020304 cafebabe 00000011 00000022"));
    packet.extend_from_slice(&unhex("bede0002 10aa2100 00000000"));
    let header = packet.len();
    packet.extend_from_slice(payload);
    (packet, header)
}

const SSRC: u32 = 0xcafe_babe;

fn receiver_report(ssrc: u32) -> Vec<u8> {
    let mut packet = unhex("81c90007");
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0x5a; 24]);
    packet
}

#[test]
fn rfc_3711_b3_key_derivation() {
    let master = MasterKey::new(
        Profile::Aes128CmSha1_80,
        &unhex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &unhex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    let session = master.rtp().unwrap();
    assert_eq!(session.key(), unhex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(session.salt(), unhex("30CBBC08863D8C85D49DB34A9AE1"));
    // The RFC prints 94 bytes of the authentication key stream; HMAC-SHA1 takes 20.
    assert_eq!(session.auth().as_slice(), unhex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn rfc_3711_b2_counter_mode() {
    let key = SessionKey::of(
        Profile::Aes128CmSha1_80,
        &unhex("2B7E151628AED2A6ABF7158809CF4F3C"),
        &unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"),
    );
    let sealer = Sealer::of(&key, &key).unwrap();
    let mut packet = vec![0; 12 + 48];
    sealer.seal_rtp(&mut packet, 0, 12, 0, 0).unwrap();
    // The key stream itself, because the payload is zero.
    let expected = unhex(
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
         41E95B3BB0A2E8DD477901E4FCA894C0",
    );
    assert_eq!(&packet[12..60], expected);
}

const GCM_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const GCM_SALT: &str = "517569642070726f2071756f";
/// RFC 7714, 16: sequence number f17b, SSRC 5501a0b2, rollover counter 0.
const GCM_RTP: &str = "8040f17b 8041f8d3 5501a0b2
    47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
const GCM_RTP_128: &str = "8040f17b 8041f8d3 5501a0b2
    f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
    8833899d 7f27beb1 6a9152cf 765ee439 0cce";
const GCM_RTP_256: &str = "8040f17b 8041f8d3 5501a0b2
    32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
    b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";
/// RFC 7714, 17: the sender is "Mars", the SRTCP index 5d4.
const GCM_RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930
    4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef";
const GCM_RTCP_128: &str = "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7
    6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
    45d9eade 800005d4";
const GCM_RTCP_256: &str = "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d
    bffe0a50 a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
    b26ac3be 800005d4";
const GCM_RTCP_128_TAGGED: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a
    0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9
    2ae58790 125f62b3 000005d4";

fn gcm_key(profile: Profile) -> SessionKey {
    SessionKey::of(profile, &unhex(GCM_KEY)[..profile.key_len()], &unhex(GCM_SALT))
}

#[test]
fn rfc_7714_16_srtp() {
    for (profile, expected) in
        [(Profile::AeadAes128Gcm, GCM_RTP_128), (Profile::AeadAes256Gcm, GCM_RTP_256)]
    {
        let key = gcm_key(profile);
        let mut packet = unhex(GCM_RTP);
        let sealer = Sealer::of(&key, &key).unwrap();
        sealer.seal_rtp(&mut packet, 0, 12, 0x5501_a0b2, 0xf17b).unwrap();
        assert_eq!(packet, unhex(expected), "{profile:?}");
        let mut out = Vec::new();
        let opener = Opener::of(&key, &key).unwrap();
        assert_eq!(opener.open_rtp(&packet, 0xf17b, &mut out), Ok(12));
        assert_eq!(out, unhex(GCM_RTP), "{profile:?}");
    }
}

#[test]
fn rfc_7714_17_srtcp() {
    for (profile, expected) in
        [(Profile::AeadAes128Gcm, GCM_RTCP_128), (Profile::AeadAes256Gcm, GCM_RTCP_256)]
    {
        let key = gcm_key(profile);
        let mut packet = unhex(GCM_RTCP);
        let mut sealer = Sealer::of(&key, &key).unwrap().at(0x5d4);
        sealer.seal_rtcp(&mut packet, 0).unwrap();
        assert_eq!(packet, unhex(expected), "{profile:?}");
        let mut out = Vec::new();
        let mut opener = Opener::of(&key, &key).unwrap();
        opener.open_rtcp(&packet, &mut out).unwrap();
        assert_eq!(out, unhex(GCM_RTCP), "{profile:?}");
    }
}

#[test]
fn rfc_7714_17_3_srtcp_that_is_only_tagged() {
    let key = gcm_key(Profile::AeadAes128Gcm);
    let mut opener = Opener::of(&key, &key).unwrap();
    let mut out = Vec::new();
    opener.open_rtcp(&unhex(GCM_RTCP_128_TAGGED), &mut out).unwrap();
    assert_eq!(out, unhex(GCM_RTCP));
    let mut forged = unhex(GCM_RTCP_128_TAGGED);
    forged[20] ^= 1;
    let mut opener = Opener::of(&key, &key).unwrap();
    assert_eq!(opener.open_rtcp(&forged, &mut out), Err(SrtpError::Forged));
    assert!(out.is_empty());
}

#[test]
fn keying_material_is_cut_up_in_the_order_of_rfc_5764() {
    let material: Vec<u8> = (0..56).collect();
    let keys = Keys::from_dtls(Profile::AeadAes128Gcm, &material).unwrap();
    let of = |key: &[u8], salt: &[u8]| MasterKey::new(Profile::AeadAes128Gcm, key, salt).unwrap();
    assert_eq!(keys.client, of(&material[..16], &material[32..44]));
    assert_eq!(keys.server, of(&material[16..32], &material[44..]));
    assert_eq!(Keys::from_dtls(Profile::AeadAes128Gcm, &material[1..]), Err(SrtpError::KeyLength));
}

#[test]
fn an_independent_receiver_reads_what_was_sealed() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(&master(profile)).unwrap();
        let mut theirs = other_side(profile);
        // Across the first rollover of the sequence number.
        for index in 65_530u64..65_545 {
            let (packet, header) = rtp(index as u16, b"a payload of some length");
            let mut sealed = packet.clone();
            sealer.seal_rtp(&mut sealed, 0, header, SSRC, index).unwrap();
            assert_eq!(sealed.len(), packet.len() + sealer.rtp_overhead());
            assert_eq!(theirs.decrypt_rtp(&sealed).unwrap(), packet, "{profile:?}");
        }
        for ssrc in [1, 1, 2, 2] {
            let mut sealed = receiver_report(ssrc);
            sealer.seal_rtcp(&mut sealed, 0).unwrap();
            let plain = receiver_report(ssrc);
            assert_eq!(sealed.len(), plain.len() + sealer.rtcp_overhead());
            assert_eq!(theirs.decrypt_rtcp(&sealed).unwrap(), plain, "{profile:?}");
        }
    }
}

#[test]
fn what_an_independent_sender_sealed_is_read() {
    for profile in PROFILES {
        let mut opener = Opener::new(&master(profile)).unwrap();
        let mut theirs = other_side(profile);
        let mut out = Vec::new();
        for index in 65_530u64..65_545 {
            let (packet, header) = rtp(index as u16, b"");
            let sealed = theirs.encrypt_rtp(&packet).unwrap();
            assert_eq!(opener.open_rtp(&sealed, index, &mut out), Ok(header));
            assert_eq!(out, packet, "{profile:?}");
        }
        // It numbers the packets of each sender from the start.
        for ssrc in [1, 2, 1, 2] {
            let sealed = theirs.encrypt_rtcp(&receiver_report(ssrc)).unwrap();
            opener.open_rtcp(&sealed, &mut out).unwrap();
            assert_eq!(out, receiver_report(ssrc), "{profile:?}");
        }
    }
}

#[test]
fn a_packet_is_sealed_behind_others_in_one_buffer() {
    for profile in PROFILES {
        let sealer = Sealer::new(&master(profile)).unwrap();
        let (packet, header) = rtp(7, b"payload");
        let mut alone = packet.clone();
        sealer.seal_rtp(&mut alone, 0, header, SSRC, 7).unwrap();
        let mut buf = b"before".to_vec();
        buf.extend_from_slice(&packet);
        sealer.seal_rtp(&mut buf, 6, header, SSRC, 7).unwrap();
        assert_eq!(buf[..6], *b"before");
        assert_eq!(buf[6..], alone[..]);
    }
}

#[test]
fn a_rollover_counter_that_is_not_the_senders_is_refused() {
    for profile in PROFILES {
        let sealer = Sealer::new(&master(profile)).unwrap();
        let opener = Opener::new(&master(profile)).unwrap();
        let (mut packet, header) = rtp(7, b"payload");
        sealer.seal_rtp(&mut packet, 0, header, SSRC, 1 << 16 | 7).unwrap();
        let mut out = Vec::new();
        assert_eq!(opener.open_rtp(&packet, 7, &mut out), Err(SrtpError::Forged));
        assert!(opener.open_rtp(&packet, 1 << 16 | 7, &mut out).is_ok());
    }
}

#[test]
fn a_replayed_report_is_refused() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(&master(profile)).unwrap();
        let mut opener = Opener::new(&master(profile)).unwrap();
        let mut out = Vec::new();
        let sealed: Vec<Vec<u8>> = (0..70)
            .map(|_| {
                let mut packet = receiver_report(5);
                sealer.seal_rtcp(&mut packet, 0).unwrap();
                packet
            })
            .collect();
        // A forged packet does not use its index up.
        let mut forged = sealed[69].clone();
        forged[10] ^= 1;
        assert_eq!(opener.open_rtcp(&forged, &mut out), Err(SrtpError::Forged));
        for at in [1, 0, 69, 68] {
            opener.open_rtcp(&sealed[at], &mut out).unwrap();
        }
        for at in [0, 1, 2, 5, 68, 69] {
            assert_eq!(opener.open_rtcp(&sealed[at], &mut out), Err(SrtpError::Replayed), "{at}");
            assert!(out.is_empty());
        }
        opener.open_rtcp(&sealed[6], &mut out).unwrap();
    }
}

#[test]
fn an_index_is_never_used_twice() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(&master(profile)).unwrap().at((1 << 31) - 1);
        sealer.seal_rtcp(&mut receiver_report(5), 0).unwrap();
        assert_eq!(sealer.seal_rtcp(&mut receiver_report(5), 0), Err(SrtpError::Exhausted));
        let (mut packet, header) = rtp(7, b"payload");
        assert_eq!(
            sealer.seal_rtp(&mut packet, 0, header, SSRC, 1 << 48),
            Err(SrtpError::Exhausted)
        );
    }
}

#[test]
fn a_sealer_is_small() {
    assert!(size_of::<Sealer>() < 2048, "{}", size_of::<Sealer>());
}

#[test]
fn keys_are_not_printed() {
    let text = format!("{:?}", master(Profile::AeadAes128Gcm));
    assert_eq!(text, "MasterKey { profile: AeadAes128Gcm, .. }");
}

fn a_profile() -> impl Strategy<Value = Profile> {
    prop::sample::select(&PROFILES[..])
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        profile in a_profile(),
        index in 0u64..1 << 48,
        payload in prop::collection::vec(any::<u8>(), 0..1400),
    ) {
        let sealer = Sealer::new(&master(profile)).unwrap();
        let opener = Opener::new(&master(profile)).unwrap();
        let (packet, header) = rtp(index as u16, &payload);
        let mut sealed = packet.clone();
        sealer.seal_rtp(&mut sealed, 0, header, SSRC, index).unwrap();
        let mut out = b"old".to_vec();
        prop_assert_eq!(opener.open_rtp(&sealed, index, &mut out), Ok(header));
        prop_assert_eq!(&out, &packet);

        // The same where the payload lies elsewhere, behind others in one buffer.
        let mut apart = [b"before", &packet[..header]].concat();
        sealer.seal_rtp_apart(&mut apart, 6, &payload, SSRC, index).unwrap();
        prop_assert_eq!(&apart[6..], &sealed[..]);
        let mut plain = vec![MaybeUninit::new(9); payload.len()];
        let body = opener.body(&sealed).unwrap();
        prop_assert_eq!(body.start, header);
        let opened = opener.open_body(&sealed, index, &body, &mut plain);
        prop_assert_eq!(opened.map(|plain| plain.to_vec()), Ok(payload));
    }

    #[test]
    fn what_cannot_be_sealed_is_refused(header in 0usize..20, index in any::<u64>()) {
        for profile in PROFILES {
            let sealer = Sealer::new(&master(profile)).unwrap();
            let mut buf = vec![0x80; 5 + header];
            let expected = if header < 12 {
                Err(SrtpError::Malformed)
            } else if index >> 48 != 0 {
                Err(SrtpError::Exhausted)
            } else {
                Ok(())
            };
            prop_assert_eq!(sealer.seal_rtp_apart(&mut buf, 5, b"payload", SSRC, index), expected);
            prop_assert!(sealer.seal_rtp_apart(&mut Vec::new(), 1, b"", SSRC, 1).is_err());
        }
    }

    #[test]
    fn one_bit_that_differs_is_refused(
        profile in a_profile(),
        payload in prop::collection::vec(any::<u8>(), 0..100),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut sealer = Sealer::new(&master(profile)).unwrap();
        let mut opener = Opener::new(&master(profile)).unwrap();
        let mut out = Vec::new();

        let (mut packet, header) = rtp(9, &payload);
        sealer.seal_rtp(&mut packet, 0, header, SSRC, 9).unwrap();
        let at = bit.index(packet.len() * 8);
        packet[at / 8] ^= 1 << (at % 8);
        prop_assert!(opener.open_rtp(&packet, 9, &mut out).is_err());
        prop_assert!(out.is_empty());

        let mut report = receiver_report(5);
        sealer.seal_rtcp(&mut report, 0).unwrap();
        let at = bit.index(report.len() * 8);
        report[at / 8] ^= 1 << (at % 8);
        prop_assert!(opener.open_rtcp(&report, &mut out).is_err());
        prop_assert!(out.is_empty());
    }

    #[test]
    fn anything_from_the_network_is_survived(
        profile in a_profile(),
        packet in prop::collection::vec(any::<u8>(), 0..200),
        index in any::<u64>(),
    ) {
        let mut opener = Opener::new(&master(profile)).unwrap();
        let mut out = Vec::new();
        prop_assert!(opener.open_rtp(&packet, index, &mut out).is_err());
        prop_assert!(opener.open_rtcp(&packet, &mut out).is_err());
        prop_assert!(out.is_empty());
    }
}
