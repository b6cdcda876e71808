/** The one peer connection of a meeting: the server offers, this side answers. */

import type { Offer } from './protocol';

/** What this module needs of an `RTCPeerConnection`, so that tests can stand in for it. */
export type PeerLike = Pick<
  RTCPeerConnection,
  'setRemoteDescription' | 'setLocalDescription' | 'getTransceivers' | 'close' | 'connectionState'
> & {
  localDescription: { sdp: string } | null;
  ontrack: ((event: RTCTrackEvent) => void) | null;
  onconnectionstatechange: ((event: Event) => void) | null;
};

export type Connect = (config: RTCConfiguration) => PeerLike;

export interface PeerOptions {
  config: RTCConfiguration;
  connect: Connect;
  /** Bits a second of the camera's layers, the small one first. */
  rates: readonly number[];
  answer: (offer: number, sdp: string) => Promise<unknown>;
  /** A section of the SDP can be played from now on. */
  onTrack: (mid: string, track: MediaStreamTrack) => void;
  /** It is of no use any more. */
  onLost: () => void;
}

/** A connection that is interrupted for longer than this is made anew. */
const INTERRUPTED_MS = 6000;
/** How much smaller than what the camera gives each layer is, by its name. */
const SCALE: Record<string, number> = { l: 2, h: 1 };

export class Peer {
  readonly #options: PeerOptions;
  readonly #pc: PeerLike;
  #work: Promise<void> = Promise.resolve();
  #microphone: MediaStreamTrack | null = null;
  #camera: MediaStreamTrack | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#pc = options.connect(options.config);
    this.#pc.ontrack = ({ transceiver, track }) => {
      if (transceiver.mid !== null) options.onTrack(transceiver.mid, track);
    };
    this.#pc.onconnectionstatechange = () => this.#stateChanged();
  }

  /** Answers an offer, after those before it. */
  offered(offer: Offer): Promise<void> {
    return this.#then(async () => {
      await this.#pc.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
      await this.#prepare();
      await this.#pc.setLocalDescription();
      const sdp = this.#pc.localDescription?.sdp;
      if (sdp) await this.#options.answer(offer.offer, sdp);
    });
  }

  /** Sends from this microphone, or from none. */
  setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.#microphone = track;
    return this.#then(() => this.#send('audio', track));
  }

  /** Sends from this camera, or from none. */
  setCamera(track: MediaStreamTrack | null): Promise<void> {
    this.#camera = track;
    return this.#then(() => this.#send('video', track));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pc.ontrack = null;
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  /** One after the other: a description must not be set while another is. */
  #then(work: () => Promise<unknown>): Promise<void> {
    const done = this.#work.then(async () => {
      if (!this.#closed) await work();
    });
    this.#work = done.catch(() => undefined);
    return done.catch(() => {
      if (!this.#closed) this.#options.onLost();
    });
  }

  /** The first section of each kind takes what this side sends; all others only send to it. */
  #outgoing(kind: 'audio' | 'video'): RTCRtpTransceiver | undefined {
    return this.#pc
      .getTransceivers()
      .find((transceiver) => transceiver.receiver.track.kind === kind);
  }

  async #prepare(): Promise<void> {
    for (const kind of ['audio', 'video'] as const) {
      const transceiver = this.#outgoing(kind);
      if (!transceiver || transceiver.direction === 'sendonly') continue;
      transceiver.direction = 'sendonly';
      if (kind === 'video') await this.#setLayers(transceiver.sender);
      await transceiver.sender.replaceTrack(kind === 'audio' ? this.#microphone : this.#camera);
    }
  }

  async #send(kind: 'audio' | 'video', track: MediaStreamTrack | null): Promise<void> {
    const transceiver = this.#outgoing(kind);
    // Before the first offer there is none: it is sent from then on.
    if (transceiver?.direction === 'sendonly') await transceiver.sender.replaceTrack(track);
  }

  async #setLayers(sender: RTCRtpSender): Promise<void> {
    const parameters = sender.getParameters();
    const [small = 120_000, large = small] = this.#options.rates;
    for (const encoding of parameters.encodings) {
      const isLarge = encoding.rid === 'h';
      encoding.maxBitrate = isLarge ? large : small;
      encoding.maxFramerate = isLarge ? 24 : 15;
      encoding.scaleResolutionDownBy = SCALE[encoding.rid ?? 'l'] ?? 2;
    }
    // A browser that cannot set them sends what it thinks fit.
    await sender.setParameters(parameters).catch(() => undefined);
  }

  #stateChanged(): void {
    clearTimeout(this.#timer);
    if (this.#pc.connectionState === 'failed') this.#options.onLost();
    if (this.#pc.connectionState === 'disconnected') {
      this.#timer = setTimeout(() => this.#options.onLost(), INTERRUPTED_MS);
    }
  }
}
