//! Meetings: who is sent whose voice, over real sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use rushes_media::{
    Act, AttendeeId, Ending, Joined, Joining, MeetingError, MeetingEvent, MeetingId, Offered,
    Rules, SessionId, TALKERS,
};
use str0m::change::SdpOffer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Input, Output, Rtc};
use tokio::net::UdpSocket;
use tokio::sync::watch;

use super::*;

const ROOM: MeetingId = MeetingId(5);
const OPEN: Rules = Rules { mute_on_entry: false, unmute_self: true };
const PATIENCE: Duration = Duration::from_secs(30);

/// How many packets came of whom; the first byte of each says it.
type Heard = HashMap<u8, u64>;

/// A member whose client always talks, whatever it is told.
struct Talker {
    session: SessionId,
    heard: watch::Receiver<Heard>,
    told: watch::Receiver<Vec<MeetingEvent>>,
    task: JoinHandle<()>,
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn joining(who: u8) -> Joining {
    Joining { who: AttendeeId(who.into()), name: format!("{who}"), is_host: who == 1 }
}

impl Talker {
    async fn join(media: &Media, rules: Rules, who: u8) -> Self {
        Self::join_as_loud(media, rules, who, -30).await
    }

    /// One who talks at this level, in dBov.
    async fn join_as_loud(media: &Media, rules: Rules, who: u8, level: i8) -> Self {
        let joined = media.join_meeting(ROOM, rules, joining(who)).await.unwrap();
        let Joined { session, offered, events } = joined;
        let (heard_tx, heard) = watch::channel(Heard::new());
        let (told_tx, told) = watch::channel(Vec::new());
        let client = Client::new(media.clone(), session, (who, level)).await;
        let task = tokio::spawn(client.run(offered, events, heard_tx, told_tx));
        Self { session, heard, told, task }
    }

    /// Waits until this many more packets of somebody have come.
    async fn hears(&mut self, whom: u8) {
        let count = |heard: &Heard| heard.get(&whom).copied().unwrap_or(0);
        let before = count(&self.heard.borrow());
        let more = self.heard.wait_for(|heard| count(heard) >= before + 5);
        tokio::time::timeout(PATIENCE, more).await.expect("nothing was heard").unwrap();
    }

    fn count(&self, whom: u8) -> u64 {
        self.heard.borrow().get(&whom).copied().unwrap_or(0)
    }

    async fn is_told(&mut self, what: impl Fn(&MeetingEvent) -> bool) {
        let told = self.told.wait_for(|told| told.iter().any(&what));
        tokio::time::timeout(PATIENCE, told).await.expect("it was not told").unwrap();
    }
}

/// The client's side: str0m, which answers.
struct Client {
    media: Media,
    session: SessionId,
    who: u8,
    level: i8,
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    microphone: Option<Mid>,
    seq: u64,
}

impl Client {
    async fn new(media: Media, session: SessionId, (who, level): (u8, i8)) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = socket.local_addr().unwrap();
        let config = Rtc::builder().clear_codecs().enable_vp8(true).enable_opus(true, false);
        let mut rtc = config.set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        Self { media, session, who, level, rtc, socket, local, microphone: None, seq: 60_000 }
    }

    async fn answer(&mut self, offered: Offered) {
        let offer = SdpOffer::from_sdp_string(&offered.sdp).unwrap();
        let answer = self.rtc.sdp_api().accept_offer(offer).unwrap().to_sdp_string();
        self.media.answer_meeting(self.session, offered.number, answer).await.unwrap();
    }

    async fn drain(&mut self, heard: &watch::Sender<Heard>) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return at,
                Output::Transmit(t) => {
                    self.socket.send_to(&t.contents, t.destination).await.unwrap();
                }
                Output::Event(Event::MediaAdded(added)) => {
                    if added.kind == MediaKind::Audio && added.direction == Direction::SendOnly {
                        self.microphone.get_or_insert(added.mid);
                    }
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    heard.send_modify(|heard| *heard.entry(packet.payload[0]).or_default() += 1);
                }
                Output::Event(_) => {}
            }
        }
    }

    async fn run(
        mut self,
        first: Offered,
        mut events: Receiver<MeetingEvent>,
        heard: watch::Sender<Heard>,
        told: watch::Sender<Vec<MeetingEvent>>,
    ) {
        self.answer(first).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut buffer = vec![0; 2000];
        loop {
            let deadline = self.drain(&heard).await;
            tokio::select! {
                event = events.recv() => match event {
                    None => return,
                    Some(MeetingEvent::Offer(offered)) => self.answer(offered).await,
                    Some(event) => told.send_modify(|told| told.push(event)),
                },
                _ = ticks.tick() => self.talk(),
                received = self.socket.recv_from(&mut buffer) => {
                    let (length, from) = received.unwrap();
                    let data = &buffer[..length];
                    if let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, data) {
                        self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
                    }
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
                }
            }
        }
    }

    fn talk(&mut self) {
        let Some(mid) = self.microphone.filter(|_| self.rtc.is_connected()) else { return };
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        self.seq += 1;
        let level = ExtensionValues {
            audio_level: Some(self.level),
            voice_activity: Some(true),
            ..ExtensionValues::default()
        };
        let timestamp = self.seq as u32 * 960;
        let payload = vec![self.who; 40];
        let write =
            RtpWrite::new(pt, (self.seq % 60_000).into(), timestamp, Instant::now(), payload)
                .ext_vals(level);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }
}

#[tokio::test]
async fn what_a_muted_member_sends_reaches_nobody() {
    let (media, _events) = start();
    let mut one = Talker::join(&media, OPEN, 1).await;
    // Who was alone needs slots now, and is offered them.
    let mut two = Talker::join(&media, OPEN, 2).await;
    let mut three = Talker::join(&media, OPEN, 3).await;
    for (talker, others) in [(&mut one, [2, 3]), (&mut two, [1, 3]), (&mut three, [1, 2])] {
        for other in others {
            talker.hears(other).await;
        }
    }
    for (talker, own) in [(&one, 1), (&two, 2), (&three, 3)] {
        assert_eq!(talker.count(own), 0, "nobody hears themselves");
    }

    media.act_in_meeting(one.session, Act::MuteOther(AttendeeId(3))).await.unwrap();
    // What was forwarded before has arrived when something comes that was sent later.
    one.hears(2).await;
    two.hears(1).await;
    let before = (one.count(3), two.count(3));
    for _ in 0..5 {
        one.hears(2).await;
        two.hears(1).await;
    }
    assert_eq!((one.count(3), two.count(3)), before, "it went on talking, and was not heard");
    media.act_in_meeting(three.session, Act::Unmute).await.unwrap();
    one.hears(3).await;
    let denied = media.act_in_meeting(three.session, Act::MuteAll).await;
    assert_eq!(denied, Err(MeetingError::HostsOnly));
}

/// As many as may talk do, and one more does not: everybody hears the loudest, and of the others nothing.
#[tokio::test]
async fn of_twenty_five_who_talk_the_five_loudest_are_heard() {
    let (media, _events) = Media::start(config(TALKERS + 1)).unwrap();
    let mut talkers = Vec::new();
    for who in 1..=TALKERS as u8 {
        let level = if who <= 5 { -20 } else { -60 };
        talkers.push(Talker::join_as_loud(&media, OPEN, who, level).await);
    }
    for (who, talker) in (1..).zip(&mut talkers) {
        for loud in (1..=5).filter(|loud| *loud != who) {
            talker.hears(loud).await;
        }
    }
    let last = talkers.last().unwrap();
    let quiet: Vec<u64> = (6..=TALKERS as u8).map(|who| last.count(who)).collect();
    assert_eq!(quiet, [0; 20], "they talk, and are not among the loudest");

    let more = TALKERS as u8 + 1;
    let mut listener = Talker::join(&media, OPEN, more).await;
    let refused = media.act_in_meeting(listener.session, Act::Unmute).await;
    assert_eq!(refused, Err(MeetingError::TooManyTalk));
    listener.hears(5).await;
    assert_eq!(talkers[0].count(more), 0, "and is not heard meanwhile");
    // Whoever stops makes place.
    media.act_in_meeting(talkers[4].session, Act::Mute).await.unwrap();
    media.act_in_meeting(listener.session, Act::Unmute).await.unwrap();
    talkers[0].hears(more).await;
}

#[tokio::test]
async fn a_member_who_joins_again_takes_over_and_stays_muted() {
    let (media, _events) = start();
    let strict = Rules { mute_on_entry: false, unmute_self: false };
    let mut one = Talker::join(&media, strict, 1).await;
    let mut two = Talker::join(&media, strict, 2).await;
    one.hears(2).await;
    media.act_in_meeting(one.session, Act::MuteAll).await.unwrap();
    let mut again = Talker::join(&media, strict, 2).await;
    two.is_told(|event| *event == MeetingEvent::Ended(Ending::Replaced)).await;
    again.hears(1).await;
    let before = one.count(2);
    let unmuted = media.act_in_meeting(again.session, Act::Unmute).await;
    assert_eq!(unmuted, Err(MeetingError::MayNotUnmute));
    for _ in 0..5 {
        again.hears(1).await;
    }
    assert_eq!(one.count(2), before);
    media.expel_from_meeting(ROOM, AttendeeId(2)).await;
    again.is_told(|event| *event == MeetingEvent::Ended(Ending::Removed)).await;
    media.close_meeting(ROOM).await;
    one.is_told(|event| *event == MeetingEvent::Ended(Ending::Closed)).await;
}

#[tokio::test]
async fn bad_answers_and_slow_members_cost_themselves_alone() {
    let (media, _events) = start();
    let mut one = Talker::join(&media, OPEN, 1).await;
    let mut two = Talker::join(&media, OPEN, 2).await;
    let join = |who| media.join_meeting(ROOM, OPEN, joining(who));
    let bad = join(3).await.unwrap();
    for sdp in ["", "v=0\r\n", &"x".repeat(100_000)] {
        let answered = media.answer_meeting(bad.session, 1, sdp.to_owned()).await;
        assert_eq!(answered, Err(MeetingError::BadAnswer));
    }
    // The offer itself is no answer to it: it has neither a client's credentials nor its setup.
    let sdp = bad.offered.sdp.clone();
    assert!(media.answer_meeting(bad.session, 1, sdp.clone()).await.is_err());
    let gone = media.answer_meeting(bad.session, 1, sdp.clone()).await;
    assert_eq!(gone, Err(MeetingError::NotThere), "who cannot answer is put out");
    assert_eq!(media.answer_meeting(one.session, 99, sdp).await, Err(MeetingError::NoOffer));

    let mut slow = join(4).await.unwrap();
    // Hundreds of events that it does not take.
    for on in [true, false].repeat(200) {
        media.act_in_meeting(one.session, Act::Camera(on)).await.unwrap();
    }
    let refused = media.act_in_meeting(slow.session, Act::Mute).await;
    assert_eq!(refused, Err(MeetingError::NotThere), "who does not listen is put out");
    while slow.events.recv().await.is_some() {}
    one.hears(2).await;
    two.hears(1).await;
}
