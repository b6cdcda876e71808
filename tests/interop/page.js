// What the tests do in a browser's page. Every connection is made as a WHIP or WHEP client would make it, and remembers
// the states that it went through and when each picture was presented.
globalThis.rushes = (() => {
  const STATS_EVERY = 200;
  /** What connections are made with, and the one transport that is left of an answer's candidates, if not all are. */
  const settings = { configuration: {}, transport: null };

  /** The answer as somebody gets it whose network lets nothing but `settings.transport` through. */
  function reachable(answer) {
    const lost = (line) => line.startsWith('a=candidate:') && !line.toLowerCase().includes(` 1 ${settings.transport} `);
    return settings.transport ? answer.split('\r\n').filter((line) => !lost(line)).join('\r\n') : answer;
  }

  /** The STUN and TURN servers that an endpoint names in the Link headers of OPTIONS. */
  async function iceServers(url, bearer) {
    const response = await fetch(url, { method: 'OPTIONS', headers: { Authorization: `Bearer ${bearer}` } });
    const links = (response.headers.get('Link') ?? '').split(/,\s*(?=<)/).filter((link) => link.includes('rel="ice-server"'));
    const parameter = (link, name) => link.match(new RegExp(`; ${name}="([^"]*)"`))?.[1];
    return links.map((link) => ({
      urls: link.match(/^<([^>]*)>/)[1],
      username: parameter(link, 'username'),
      credential: parameter(link, 'credential'),
    }));
  }

  async function negotiate(connection, url, bearer, change = (sdp) => sdp) {
    const { sdp } = await connection.createOffer();
    await connection.setLocalDescription({ type: 'offer', sdp: change(sdp) });
    if (connection.iceGatheringState !== 'complete') {
      await new Promise((done) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && done();
      });
    }
    const headers = { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/sdp' };
    const response = await fetch(url, { method: 'POST', headers, body: connection.localDescription.sdp });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`${response.status}: ${text}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: reachable(text) });
    const session = new URL(response.headers.get('Location'), url);
    const links = response.headers.get('Link') ?? '';
    return { session: session.href, links, headers: { Authorization: headers.Authorization } };
  }

  /** A connection, and every state that it has been in. */
  function connect() {
    const connection = new RTCPeerConnection(settings.configuration);
    const states = [];
    connection.onconnectionstatechange = () => states.push(connection.connectionState);
    return { connection, states };
  }

  /** Publishes the browser's fake camera and microphone: in one picture of 640x360, or in `layers` (RTCRtpEncodingParameters) of 1280x720. */
  async function publish(url, bearer, codec, layers) {
    const { connection, states } = connect();
    const video = layers ? { width: 1280, height: 720, frameRate: 15 } : { width: 640, height: 360, frameRate: 30 };
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const media = await navigator.mediaDevices.getUserMedia({ video, audio });
    for (const track of media.getTracks()) {
      const several = track.kind === 'video' && layers ? { sendEncodings: layers } : {};
      const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [media], ...several });
      if (track.kind !== 'video') continue;
      const { codecs } = RTCRtpSender.getCapabilities('video');
      const wanted = codecs.filter(({ mimeType }) => [`video/${codec}`, 'video/rtx'].includes(mimeType));
      transceiver.setCodecPreferences(wanted);
    }
    const end = await negotiate(connection, url, bearer);
    return { connection, states, ...end };
  }

  /** Puts six channels of sound into an offer, in the order that `mapping` gives them, and two for where there are no more. */
  function withSix(sdp, mapping) {
    const used = [...sdp.matchAll(/^a=rtpmap:(\d+) /gm)].map(([, type]) => Number(type));
    const type = [...Array(128).keys()].find((type) => (type >= 96 || (type >= 35 && type < 64)) && !used.includes(type));
    const format = `channel_mapping=${mapping};coupled_streams=2;minptime=10;num_streams=4;useinbandfec=1`;
    const six = `a=rtpmap:${type} multiopus/48000/6\r\na=fmtp:${type} ${format}\r\n`;
    const [, opus] = /^a=rtpmap:(\d+) opus\//m.exec(sdp);
    // Without it Chromium makes one channel of the two.
    const stereo = sdp.replace(new RegExp(`^a=fmtp:${opus} .*`, 'm'), '$&;stereo=1');
    return stereo.replace(/^(m=audio .*)\r\n/m, `$1 ${type}\r\n`).replace(/^a=rtpmap:\d+ opus\//m, `${six}$&`);
  }

  /** Watches, and notes when each picture is presented; takes six channels of sound if there is a `mapping` for them. */
  async function watch(url, bearer, mapping) {
    const { connection, states } = connect();
    const seen = { frames: 0, first: null, last: null, longestGap: 0, gaps: [], width: 0, height: 0, started: performance.now() };
    const element = document.body.appendChild(document.createElement('video'));
    Object.assign(element, { autoplay: true, playsInline: true, srcObject: new MediaStream() });
    connection.ontrack = ({ track }) => element.srcObject.addTrack(track);
    connection.addTransceiver('video', { direction: 'recvonly' });
    connection.addTransceiver('audio', { direction: 'recvonly' });
    const presented = (now, { width, height }) => {
      const gap = seen.last === null ? 0 : now - seen.last;
      if (gap > 200) seen.gaps.push(Math.round(gap));
      Object.assign(seen, { first: seen.first ?? now, last: now, longestGap: Math.max(seen.longestGap, gap), width, height });
      seen.frames += 1;
      element.requestVideoFrameCallback(presented);
    };
    element.requestVideoFrameCallback(presented);
    const end = await negotiate(connection, url, bearer, (sdp) => (mapping ? withSix(sdp, mapping) : sdp));
    return { connection, states, seen, element, ...end };
  }

  /** Plays a file to its end, and then from its middle: how many pictures were decoded the first time, of which size, and how long it is. */
  async function play(url) {
    const element = document.body.appendChild(document.createElement('video'));
    const event = (name) =>
      new Promise((done, failed) => {
        element.addEventListener(name, done, { once: true });
        element.onerror = () => failed(new Error(`${name}: ${element.error.message}`));
      });
    const toTheEnd = async () => {
      const ended = event('ended');
      await element.play();
      await ended;
    };
    Object.assign(element, { muted: true, playsInline: true, src: url });
    await toTheEnd();
    const { videoWidth: width, videoHeight: height, duration } = element;
    const { totalVideoFrames: decoded } = element.getVideoPlaybackQuality();
    const seeked = event('seeked');
    element.currentTime = duration / 2;
    await seeked;
    await toTheEnd();
    element.remove();
    return { decoded, width, height, duration };
  }

  /** The kind of our end of the pair that media takes, and what goes between the two. */
  function path(all) {
    const transport = [...all.values()].find(({ type }) => type === 'transport');
    const pair = all.get(transport?.selectedCandidatePairId);
    const local = pair && all.get(pair.localCandidateId);
    return local ? { kind: local.candidateType, protocol: local.protocol } : null;
  }

  /** The numbers of a connection's one stream of pictures and one of sound. */
  async function statistics(connection) {
    const all = await connection.getStats();
    const numbers = { path: path(all) };
    for (const report of all.values()) {
      if (report.type !== 'inbound-rtp' && report.type !== 'outbound-rtp') continue;
      if (report.rid) (numbers.layers ??= {})[report.rid] = report.framesSent;
      const codec = report.codecId && all.get(report.codecId);
      numbers[report.kind] = {
        codec: codec?.mimeType ?? null,
        packets: report.packetsReceived ?? report.packetsSent,
        lost: report.packetsLost ?? 0,
        decoded: report.framesDecoded ?? 0,
        freezes: report.freezeCount ?? 0,
        frozen: report.totalFreezesDuration ?? 0,
        nacks: report.nackCount ?? 0,
        plis: report.pliCount ?? 0,
        retransmitted: report.retransmittedPacketsReceived ?? report.retransmittedPacketsSent ?? 0,
        received: report.framesReceived ?? 0,
        dropped: report.framesDropped ?? 0,
        keyFrames: report.keyFramesDecoded ?? 0,
      };
    }
    return numbers;
  }

  /** All there is to say about a peer. */
  async function look({ connection, states, seen }) {
    return { state: connection.connectionState, states, seen: seen ?? null, ...(await statistics(connection)) };
  }

  /** Waits until `found` holds for what is seen, or gives back what is seen instead once the time is over. */
  async function until(peer, found, milliseconds) {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const looked = await look(peer);
      if (found(looked)) return { ...looked, found: true };
      if (performance.now() > deadline) return { ...looked, found: false };
      await new Promise((done) => setTimeout(done, STATS_EVERY));
    }
  }

  /** Forgets what was presented so far, but not when the last picture was. */
  function again({ seen }) {
    Object.assign(seen, { frames: 0, longestGap: 0, gaps: [] });
  }

  /** Asks for a layer as the extension of WHEP has it; gives back the status. */
  async function select({ links, session, headers }, wish) {
    const [, url] = links.match(/<([^>]*)>; rel="urn:ietf:params:whep:ext:core:layer"/);
    const body = JSON.stringify(wish);
    const json = { ...headers, 'Content-Type': 'application/json' };
    return (await fetch(new URL(url, session), { method: 'POST', headers: json, body })).status;
  }

  async function close({ connection, session, headers }) {
    const { status } = await fetch(session, { method: 'DELETE', headers });
    connection.close();
    return status;
  }

  /** The brightness of each pixel that a viewer shows, row by row, in hex. */
  function luma({ element }) {
    const { videoWidth: width, videoHeight: height } = element;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(element, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const hex = [];
    for (let at = 1; at < data.length; at += 4) hex.push(data[at].toString(16).padStart(2, '0'));
    return { width, height, hex: hex.join('') };
  }

  /** The frame number of the strip in a picture, without a look at its check sum; null where there is no strip. */
  function frameNumber(image) {
    const level = (cell) => {
      const x = Math.floor(((cell + 4.5) / 40) * image.width);
      const y = Math.floor((164 / 180) * image.height);
      return image.data[(y * image.width + x) * 4 + 1];
    };
    const middle = (level(0) + level(1)) / 2;
    if (level(0) < level(1) + 60 || level(31) < middle || level(30) > middle) return null;
    let number = 0;
    for (let cell = 4; cell < 26; cell += 1) number = number * 2 + (level(cell) > middle ? 1 : 0);
    return number;
  }

  /** Reads the next `count` pictures as they are presented: the frame number of each, and when it is on the screen. */
  function numbers({ element }, count) {
    const context = new OffscreenCanvas(element.videoWidth, element.videoHeight).getContext('2d', { willReadFrequently: true });
    const read = [];
    let last = null;
    return new Promise((done) => {
      const presented = (_, { expectedDisplayTime }) => {
        // On a busy page this may be the picture after the one that is told of, which then is told of itself.
        const picture = new VideoFrame(element);
        if (picture.timestamp !== last) {
          last = picture.timestamp;
          context.drawImage(picture, 0, 0);
          const { width, height } = context.canvas;
          read.push({ number: frameNumber(context.getImageData(0, 0, width, height)), at: expectedDisplayTime });
        }
        picture.close();
        if (read.length === count) done(read);
        else element.requestVideoFrameCallback(presented);
      };
      element.requestVideoFrameCallback(presented);
    });
  }

  /** How strong a frequency is in some samples (Goertzel). */
  function strength(samples, rate, hertz) {
    const step = 2 * Math.cos((2 * Math.PI * hertz) / rate);
    let [one, two] = [0, 0];
    for (const sample of samples) [one, two] = [sample + step * one - two, one];
    return one * one + two * two - step * one * two;
  }

  /** How much later the picture on the screen was captured than what is heard, in milliseconds, as the browser knows from the sender reports. */
  async function apart({ connection }) {
    const reports = [...(await connection.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
    const played = (kind) => reports.find((report) => report.kind === kind)?.estimatedPlayoutTimestamp;
    return played('video') - played('audio');
  }

  /**
   * When the beep of `hertz` begins that is heard each second, while `count` pictures are presented; these pictures; and how far apart
   * both are meanwhile.
   */
  async function lips(peer, count, hertz) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(peer.element.srcObject).connect(analyser);
    await context.resume();
    const samples = new Float32Array(analyser.fftSize);
    const [beeps, measured] = [[], []];
    let loud = true;
    const listen = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const found = strength(samples, context.sampleRate, hertz) > 0.2 * samples.length * samples.reduce((sum, one) => sum + one * one, 0);
      if (found && !loud) {
        beeps.push(performance.now());
        measured.push(apart(peer));
      }
      loud = found;
    }, 4);
    const pictures = await numbers(peer, count);
    clearInterval(listen);
    await context.close();
    return { pictures, beeps, apart: (await Promise.all(measured)).filter(Number.isFinite) };
  }

  /** The loudest frequency of what a viewer hears, in hertz; 0 while there is silence. */
  async function tone({ element }) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 16384;
    context.createMediaStreamSource(element.srcObject).connect(analyser);
    await context.resume();
    // As long as the window that is looked at lasts.
    await new Promise((done) => setTimeout(done, (analyser.fftSize / context.sampleRate) * 1000));
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    const hertz = levels[loudest] > -80 ? (loudest * context.sampleRate) / analyser.fftSize : 0;
    await context.close();
    return hertz;
  }

  /** The height of a tone in samples. */
  function height(samples, rate, hertz) {
    let [sine, cosine] = [0, 0];
    samples.forEach((sample, at) => {
      sine += sample * Math.sin((2 * Math.PI * hertz * at) / rate);
      cosine += sample * Math.cos((2 * Math.PI * hertz * at) / rate);
    });
    return (2 * Math.hypot(sine, cosine)) / samples.length;
  }

  /** The heights of some tones in each channel of what a viewer's decoder gives out, in half a second. */
  async function channels({ connection }, tones) {
    const { track } = connection.getReceivers().find((receiver) => receiver.track.kind === 'audio');
    const reader = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
    let [planes, rate] = [[], 0];
    while (!planes.length || planes[0].length < rate / 2) {
      const { value } = await reader.read();
      // Another format begins anew.
      if (value.numberOfChannels !== planes.length) planes = Array.from({ length: value.numberOfChannels }, () => []);
      rate = value.sampleRate;
      planes.forEach((plane, planeIndex) => {
        const samples = new Float32Array(value.numberOfFrames);
        value.copyTo(samples, { planeIndex, format: 'f32-planar' });
        plane.push(...samples);
      });
      value.close();
    }
    await reader.cancel();
    return planes.map((plane) => tones.map((hertz) => height(plane, rate, hertz)));
  }

  /** The same on the left and on the right of what Web Audio is given: it mixes all channels to these. */
  async function audible({ element }, tones) {
    const context = new AudioContext();
    const source = context.createMediaStreamSource(element.srcObject);
    const splitter = context.createChannelSplitter(2);
    source.connect(splitter);
    const analysers = [0, 1].map((channel) => {
      const analyser = context.createAnalyser();
      analyser.fftSize = 16384;
      splitter.connect(analyser, channel);
      return analyser;
    });
    await context.resume();
    // As long as the window that is looked at lasts, and what it takes to begin.
    await new Promise((done) => setTimeout(done, (analysers[0].fftSize / context.sampleRate) * 1000 + 500));
    const heights = analysers.map((analyser) => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return tones.map((hertz) => height(samples, context.sampleRate, hertz));
    });
    await context.close();
    return heights;
  }

  return {
    settings,
    iceServers,
    publish,
    watch,
    play,
    until,
    look,
    again,
    select,
    luma,
    lips,
    tone,
    channels,
    audible,
    close,
    peers: {},
  };
})();
