// Three people talk in a room: Chromium with its fake microphone, which beeps, and its fake camera.
import { test, expect, type Browser } from '@playwright/test';
import { ask } from './asks.ts';
import { Talker, hears, isSilenced } from './conversation.ts';
import { CHROMIUM } from './playwright.config.ts';
import { Room } from './room.ts';
import { Stage } from './stage.ts';

test.use({
  launchOptions: {
    ...CHROMIUM,
    args: [...CHROMIUM.args, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  },
});

const stage = new Stage();

async function open(browser: Browser, link: string, name: string): Promise<Talker> {
  const page = await stage.newPage(browser);
  await Talker.prepare(page);
  await Room.open(page, link, name);
  return new Talker(page, name);
}

/** The link of a further guest, from the mail that invites them. */
async function invite(host: Talker): Promise<string> {
  const before = new Set(stage.demo.mails());
  await ask(host.page, '/create/review_session/users', {
    emails: ['third@rushes.test'],
    review_session_id: stage.demo.links.room_id,
  });
  let link: string | undefined;
  await expect(() => {
    const mail = stage.demo.mails().find((text) => !before.has(text));
    link = mail?.match(/http\S+#\/guest\?u=\S+/)?.[0];
    expect(link).toBeDefined();
  }).toPass();
  return `${link}&first=Third&last=Guest&next=/rooms/${stage.demo.links.room_id}`;
}

test('three people talk, see each other, and keep to what the host says', async ({ browser }) => {
  // Three browsers encode and decode beside the server: on two busy cores it takes its time.
  test.setTimeout(240_000);
  const host = await open(browser, stage.demo.links.host_link, 'host');
  const guest = await open(browser, stage.demo.links.guest_link, 'guest');
  await host.join();
  await guest.join();
  await hears(host, 1);
  await hears(guest, 1);

  // From here on people enter muted, and only the host lets them talk.
  await ask(host.page, '/update/review_session', {
    id: stage.demo.links.room_id,
    mute_participants_on_entry: true,
    allow_participants_to_unmute_self: false,
  });
  const third = await open(browser, await invite(host), 'third');
  await third.join();
  await expect(third.microphone()).toHaveAttribute('data-muted', 'true');
  await expect(third.microphone()).toBeDisabled();
  await third.cheat();
  await isSilenced(third, [host, guest], 1);

  // The host asks, and the third one unmutes: all three hear each other.
  await host.voice(third).getByRole('button').click();
  await third.page.getByTestId('asked').getByRole('button', { name: 'Unmute' }).click();
  await expect(host.voice(third)).toHaveAttribute('data-muted', 'false');
  for (const talker of [host, guest, third]) await hears(talker, 2);

  // Cameras: everyone has pictures of the others, and they move.
  await guest.page.getByTestId('camera').click();
  await third.page.getByTestId('camera').click();
  for (const [viewer, of] of [[host, guest], [host, third], [third, guest]] as const) {
    const video = viewer.tile(of);
    await expect
      .poll(() => video.evaluate((v: HTMLVideoElement) => v.getVideoPlaybackQuality().totalVideoFrames), {
        message: `${viewer.name} sees ${of.name}`,
        timeout: 30_000,
      })
      .toBeGreaterThan(10);
    expect(await video.evaluate((v: HTMLVideoElement) => v.videoWidth)).toBeGreaterThan(0);
  }

  // Voices and cameras are all in one connection of each page, its own, beside that of the live picture on show.
  const received = ['audio', 'video'];
  for (const [talker, sent] of [[host, ['audio']], [guest, ['audio', 'video']], [third, ['audio', 'video']]] as const) {
    await expect
      .poll(() => talker.carried(), { message: `what ${talker.name}'s connections carry` })
      .toEqual([{ sent: [], received }, { sent, received }]);
  }

  // Mute all: the host alone is heard, also when a client cheats, and is the one who speaks.
  await host.page.getByTestId('mute-all').click();
  await expect(guest.microphone()).toBeDisabled();
  await guest.cheat();
  await isSilenced(guest, [host], 0);
  await isSilenced(guest, [third], 1);
  for (const talker of [host, guest, third]) {
    await expect(talker.panel()).toHaveAttribute('data-speaker', host.id);
  }

  // The word goes to who talks when the host is silent.
  await host.voice(guest).getByRole('button').click();
  await guest.page.getByTestId('asked').getByRole('button', { name: 'Unmute' }).click();
  await host.microphone().click();
  for (const talker of [host, guest, third]) {
    await expect(talker.panel()).toHaveAttribute('data-speaker', guest.id);
  }

  // Who leaves and returns is still muted, and hears the others.
  await third.leave();
  await expect(host.voice(third)).toHaveCount(0);
  await third.join();
  await expect(third.microphone()).toBeDisabled();
  await third.cheat();
  await isSilenced(third, [host], 1);
  await hears(third, 1);
});
