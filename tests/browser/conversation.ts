// Somebody in the voice panel of a room, and what their browser really receives.
import { expect, type Page } from '@playwright/test';

declare global {
  interface Window {
    /** All peer connections of the page. */
    peers: RTCPeerConnection[];
  }
}

interface Sound {
  /** What arrived so far, by section of the SDP. */
  packets: Record<string, number>;
  energy: Record<string, number>;
  /** What this page has sent. */
  sent: number;
}

/** The kinds of what a peer connection sends and receives. */
interface Carried {
  sent: string[];
  received: string[];
}

/** The answer of a stuttering fake: as many packets as a second of Opus has. */
const SECOND = 50;

export class Talker {
  id = '';

  constructor(
    readonly page: Page,
    readonly name: string,
  ) {}

  /** To be called before the page is opened. */
  static async prepare(page: Page): Promise<void> {
    await page.addInitScript(() => {
      window.peers = [];
      const Real = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Real {
        constructor(config?: RTCConfiguration) {
          super(config);
          window.peers.push(this);
        }
      };
    });
  }

  panel() {
    return this.page.getByTestId('meeting');
  }

  async join(): Promise<void> {
    this.id = await this.page.evaluate(
      () => (JSON.parse(sessionStorage.getItem('rushes.session') ?? '{}') as { userId: string }).userId,
    );
    await this.page.getByTestId('join-meeting').click();
    await expect(this.panel()).toHaveAttribute('data-state', 'in');
    await this.isConnected();
  }

  async isConnected(): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(() => window.peers.some((p) => p.getTransceivers().some((t) => t.mid !== null && t.direction === 'sendonly') && p.connectionState === 'connected')))
      .toBe(true);
  }

  leave(): Promise<void> {
    return this.page.getByTestId('leave-meeting').click();
  }

  microphone() {
    return this.page.getByTestId('microphone');
  }

  /** How the panel shows somebody. */
  voice(of: Talker) {
    return this.page.locator(`[data-testid=voice][data-user-id="${of.id}"]`);
  }

  tile(of: Talker) {
    return this.page.locator(`[data-testid=camera-tile][data-user-id="${of.id}"] video`);
  }

  /** Sends sound whatever the page thinks: a client that cheats. */
  cheat(): Promise<void> {
    return this.page.evaluate(() => {
      for (const peer of window.peers) {
        for (const sender of peer.getSenders()) {
          if (sender.track?.kind === 'audio') sender.track.enabled = true;
        }
      }
    });
  }

  /** What each of the page's connected peer connections has carried so far; those that only receive first. */
  async carried(): Promise<Carried[]> {
    const all = await this.page.evaluate(() => {
      const connected = window.peers.filter((p) => p.connectionState === 'connected');
      return Promise.all(
        connected.map(async (peer) => {
          const found = { sent: new Set<string>(), received: new Set<string>() };
          for (const report of (await peer.getStats()).values()) {
            if (report.type === 'outbound-rtp' && report.packetsSent > 0) found.sent.add(report.kind);
            if (report.type === 'inbound-rtp' && report.packetsReceived > 0) found.received.add(report.kind);
          }
          return { sent: [...found.sent].sort(), received: [...found.received].sort() };
        }),
      );
    });
    return all.sort((a, b) => a.sent.length - b.sent.length);
  }

  sound(): Promise<Sound> {
    return this.page.evaluate(async () => {
      const sound: Sound = { packets: {}, energy: {}, sent: 0 };
      // Of the meeting's connections, the one that is alive; the stage has one of its own, without a microphone.
      const alive = window.peers.filter((p) => p.connectionState === 'connected' && p.getSenders().some((s) => s.track?.kind === 'audio'));
      for (const peer of alive) {
        for (const report of (await peer.getStats()).values()) {
          if (report.kind !== 'audio') continue;
          if (report.type === 'outbound-rtp') sound.sent += report.packetsSent;
          if (report.type === 'inbound-rtp') {
            sound.packets[report.mid] = report.packetsReceived;
            sound.energy[report.mid] = report.totalAudioEnergy;
          }
        }
      }
      return sound;
    });
  }
}

/** The sum of what grew, and how many sections it came in. */
function grown(before: Record<string, number>, after: Record<string, number>): number {
  return Object.entries(after).filter(([mid, value]) => value > (before[mid] ?? 0)).length;
}

/** Waits until so many others are heard: sound arrives in as many sections, and is not silence. */
export async function hears(talker: Talker, others: number): Promise<void> {
  let before = await talker.sound();
  await expect(async () => {
    const after = await talker.sound();
    const [packets, energy] = [grown(before.packets, after.packets), grown(before.energy, after.energy)];
    if (packets !== others) before = after;
    expect({ packets, energy }, `${talker.name} hears`).toEqual({ packets: others, energy: others });
  }).toPass({ timeout: 15_000, intervals: [400] });
}

/**
 * Makes sure that nothing of what somebody sends arrives: while they send a second of sound, the others get sound
 * from `heard` sections and no more.
 */
export async function isSilenced(talker: Talker, others: Talker[], heard: number): Promise<void> {
  // What was on its way when they were muted arrives first.
  await expect(async () => {
    const before = await Promise.all([talker, ...others].map((one) => one.sound()));
    const target = before[0]!.sent + SECOND;
    await expect.poll(async () => (await talker.sound()).sent, { intervals: [100] }).toBeGreaterThan(target);
    const after = await Promise.all(others.map((one) => one.sound()));
    after.forEach((sound, at) => {
      const arrived = grown(before[at + 1]!.packets, sound.packets);
      expect(arrived, `voices that ${others[at]!.name} is sent`).toBe(heard);
    });
  }).toPass({ timeout: 15_000, intervals: [100] });
}
