//! Handshakes with OpenSSL itself as the client, whose certificates differ.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509Builder, X509NameBuilder};
use str0m::crypto::dtls::DtlsOutput as Output;

use super::*;

/// A certificate that signs itself. `version` 0 is X.509 version 1.
pub(in crate::webrtc) fn certificate(rsa: bool, version: i32, serial: i32) -> DtlsCert {
    let key: PKey<Private> = if rsa {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    } else {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, "WebRTC").unwrap();
    let name = name.build();
    let mut number = BigNum::from_u32(serial.unsigned_abs()).unwrap();
    number.set_negative(serial < 0);
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(version).unwrap();
    builder.set_serial_number(&number.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    DtlsCert {
        certificate: builder.build().to_der().unwrap(),
        private_key: key.private_key_to_pkcs8().unwrap(),
    }
}

fn ours() -> DtlsCert {
    PROVIDER.generate_certificate().unwrap()
}

fn session(certificate: &DtlsCert, active: bool) -> Box<dyn DtlsInstance> {
    let provider = OpenSslDtls::default();
    let now = Instant::now();
    let mut session = provider.new_dtls(certificate, now, DtlsVersion::Dtls12, None).unwrap();
    session.set_active(active);
    session.handle_timeout(now).unwrap();
    session
}

/// What a session said.
#[derive(Debug, Default, PartialEq)]
struct Said {
    connected: bool,
    certificate: Option<Vec<u8>>,
    keys: Option<(Vec<u8>, SrtpProfile)>,
    closed: bool,
}

fn poll(session: &mut dyn DtlsInstance, said: &mut Said) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut buffer = [0; 2000];
    loop {
        match session.poll_output(&mut buffer) {
            Output::Packet(packet) => packets.push(packet.to_vec()),
            Output::Connected => said.connected = true,
            Output::PeerCert(der) => said.certificate = Some(der.to_vec()),
            Output::KeyingMaterial(keys, profile) => said.keys = Some((keys.to_vec(), profile)),
            Output::CloseNotify => said.closed = true,
            Output::Timeout(_) => return packets,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// Carries datagrams until neither says anything more.
fn exchange(one: &mut dyn DtlsInstance, two: &mut dyn DtlsInstance) -> (Said, Said) {
    let (mut first, mut second) = (Said::default(), Said::default());
    loop {
        let there = poll(one, &mut first);
        for packet in &there {
            assert!(packet.len() <= MTU, "{} bytes", packet.len());
            two.handle_packet(packet).unwrap();
        }
        let back = poll(two, &mut second);
        for packet in &back {
            one.handle_packet(packet).unwrap();
        }
        if there.is_empty() && back.is_empty() {
            return (first, second);
        }
    }
}

#[test]
fn certificates_of_every_kind_are_taken_in_both_roles() {
    let ours = ours();
    let kinds = [(true, 2, 1), (false, 2, 1), (true, 0, 1), (false, 0, 1), (false, 2, -5)];
    for (rsa, version, serial) in kinds {
        let theirs = certificate(rsa, version, serial);
        for active in [true, false] {
            let mut server = session(&ours, active);
            let mut client = session(&theirs, !active);
            let (here, there) = exchange(&mut *server, &mut *client);
            assert!(here.connected && there.connected, "rsa {rsa}, active {active}");
            // What str0m hashes is the certificate as the client has it.
            assert_eq!(here.certificate.as_ref(), Some(&theirs.certificate));
            assert_eq!(there.certificate.as_ref(), Some(&ours.certificate));
            assert!(here.keys.is_some());
            assert_eq!(here.keys, there.keys);
        }
    }
}

#[test]
fn the_goodbye_is_heard() {
    let (mut server, mut client) = (session(&ours(), false), session(&ours(), true));
    exchange(&mut *client, &mut *server);
    client.close().unwrap();
    let (_, said) = exchange(&mut *client, &mut *server);
    assert!(said.closed && server.is_closed() && client.is_closed());
    // Whatever comes after it is nothing.
    server.handle_packet(&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap();
    assert!(server.send_application_data(b"x").is_ok_and(|taken| taken == 0));
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let mut server = session(&ours(), false);
    let mut context = SslContext::builder(SslMethod::dtls()).unwrap();
    context.set_tlsext_use_srtp("SRTP_AES128_CM_SHA1_80").unwrap();
    context.set_verify(SslVerifyMode::NONE);
    let ssl = Ssl::new(&context.build()).unwrap();
    let stream = SslStream::new(ssl, Datagrams::default()).unwrap();
    let mut client = Session::new(stream, Instant::now()).unwrap();
    client.set_active(true);
    client.handle_timeout(Instant::now()).unwrap();
    let (mut here, mut there) = (Said::default(), Said::default());
    let mut refused = false;
    for _ in 0..10 {
        for packet in poll(&mut client, &mut there) {
            refused |= server.handle_packet(&packet).is_err();
        }
        for packet in poll(&mut *server, &mut here) {
            let _ = client.handle_packet(&packet);
        }
    }
    assert!(refused && server.is_closed());
    assert_eq!((here.connected, here.keys), (false, None));
}

#[test]
fn a_lost_flight_is_sent_again() {
    let (mut server, mut client) = (session(&ours(), false), session(&ours(), true));
    let mut said = Said::default();
    for hello in poll(&mut *client, &mut said) {
        server.handle_packet(&hello).unwrap();
    }
    let lost = poll(&mut *server, &mut said);
    assert!(!lost.is_empty());
    // OpenSSL waits a second by its own clock.
    let begun = Instant::now();
    let again = loop {
        server.handle_timeout(Instant::now()).unwrap();
        let again = poll(&mut *server, &mut said);
        if !again.is_empty() {
            break again;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was sent again");
        std::thread::yield_now();
    };
    for packet in again {
        client.handle_packet(&packet).unwrap();
    }
    let (there, here) = exchange(&mut *client, &mut *server);
    assert!(here.connected && there.connected);
}

#[test]
fn garbage_disturbs_no_handshake() {
    let (mut server, mut client) = (session(&ours(), false), session(&ours(), true));
    for length in 0..200usize {
        let garbage: Vec<u8> = (0..length).map(|i| (i * 37 + length * 11) as u8).collect();
        server.handle_packet(&garbage).unwrap();
        let mut record = vec![22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, length as u8];
        record.extend_from_slice(&garbage);
        server.handle_packet(&record).unwrap();
    }
    let (there, here) = exchange(&mut *client, &mut *server);
    assert!(here.connected && there.connected);
}
