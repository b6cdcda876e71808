// The host shares a browser tab: the guest sees its colours, also after the server was killed, until it ends.
import { test, expect, type Page } from '@playwright/test';
import { CHROMIUM } from './playwright.config.ts';
import { Room } from './room.ts';
import { Stage } from './stage.ts';

const TITLE = 'Grading desk';

test.use({
  launchOptions: { ...CHROMIUM, args: [...CHROMIUM.args, `--auto-select-tab-capture-source-by-title=${TITLE}`] },
});

const stage = new Stage();

interface Shared {
  host: Room;
  guest: Room;
  /** The tab that is shared. */
  desk: Page;
}

/** Paints the left and the right half of the tab; something moves, as on any screen. */
async function paint(desk: Page, left: string, right: string): Promise<void> {
  await desk.setContent(
    `<title>${TITLE}</title>
     <body style="margin:0;height:100vh;background:linear-gradient(90deg,${left} 50%,${right} 50%)">
     <i style="position:absolute;left:50%;width:9px;height:9px;background:#fff"></i>
     <script>let n = 0; setInterval(() => document.querySelector('i').style.top = (n = (n + 1) % 90) + 'vh', 40)</script>`,
  );
}

type Colour = 'red' | 'green' | 'blue' | 'other';

/** What colours the two halves of the live picture have. */
async function halves(room: Room): Promise<Colour[]> {
  return room.page.getByTestId('live-video').evaluate((element) => {
    const video = element as HTMLVideoElement;
    if (!video.videoWidth) return [];
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [40, 20];
    const context = canvas.getContext('2d')!;
    context.drawImage(video, 0, 0, 40, 20);
    return [10, 30].map((x) => {
      const [r = 0, g = 0, b = 0] = context.getImageData(x, 10, 1, 1).data;
      if (r > 150 && g < 90 && b < 90) return 'red';
      if (g > 90 && r < 90 && b < 90) return 'green';
      return b > 150 && r < 90 && g < 90 ? 'blue' : 'other';
    });
  });
}

async function shows(room: Room, colours: Colour[], timeout = 20_000): Promise<void> {
  await expect.poll(() => halves(room), { message: room.name, timeout }).toEqual(colours);
}

const item = (room: Room) => room.page.getByTestId('playlist-item').filter({ hasText: /’s screen|'s screen/ });

async function hasEnded(room: Room): Promise<void> {
  await expect(room.page.getByText('This is not shared any more')).toBeVisible();
  await expect(item(room)).toHaveCount(0);
}

test.beforeEach(({}, info) => info.setTimeout(180_000));

async function share(browser: import('@playwright/test').Browser): Promise<Shared> {
  const page = await stage.newPage(browser);
  const host = await Room.open(page, stage.demo.links.host_link, 'host');
  const guest = await Room.open(await stage.newPage(browser), stage.demo.links.guest_link, 'guest');
  await expect(guest.page.getByTestId('share-start'), 'where hosts lead, the others do not share').toHaveCount(0);
  const desk = await page.context().newPage();
  await paint(desk, 'red', 'blue');
  await page.bringToFront();
  await page.getByTestId('share-start').click();
  await expect(page.getByTestId('share')).toHaveAttribute('data-state', 'live');
  return { host, guest, desk };
}

test('a host shares a tab, everyone sees it, and sees that it ends', async ({ browser }) => {
  const { host, guest, desk } = await share(browser);
  await shows(guest, ['red', 'blue']);
  await shows(host, ['red', 'blue']);
  await paint(desk, 'blue', 'green');
  await shows(guest, ['blue', 'green']);
  expect(await host.page.getByTestId('live-video').evaluate((v: HTMLVideoElement) => v.muted), 'no echo').toBe(true);
  if (process.env.RUSHES_SCREENSHOTS) {
    await host.page.screenshot({ path: `${process.env.RUSHES_SCREENSHOTS}/share-host.png` });
  }

  await host.page.getByTestId('share-stop').click();
  await hasEnded(guest);
  await hasEnded(host);
  await expect(host.page.getByTestId('share-start')).toBeVisible();
  if (process.env.RUSHES_SCREENSHOTS) {
    await guest.page.screenshot({ path: `${process.env.RUSHES_SCREENSHOTS}/share-ended.png` });
  }
});

test('a share outlives the server, and ends when its tab is closed', async ({ browser }) => {
  const { host, guest, desk } = await share(browser);
  await shows(guest, ['red', 'blue']);
  await stage.demo.kill();
  await stage.demo.start();
  await paint(desk, 'green', 'red');
  await shows(guest, ['green', 'red'], 40_000);
  await expect(host.page.getByTestId('share')).toHaveAttribute('data-state', 'live');

  // The tab goes, and with it what was recorded, as by the browser's own button.
  await desk.close();
  await hasEnded(guest);
  await expect(host.page.getByTestId('share-start')).toBeVisible();
});

test('a host ends what somebody else shares', async ({ browser }) => {
  const host = await Room.open(await stage.newPage(browser), stage.demo.links.host_link, 'host');
  const page = await stage.newPage(browser);
  const guest = await Room.open(page, stage.demo.links.guest_link, 'guest');
  await host.page.getByTestId('sync-mode').click();
  await host.page.getByRole('menuitemradio', { name: 'Everyone controls' }).click();
  await expect(page.getByTestId('share-start')).toBeVisible();
  await paint(await page.context().newPage(), 'red', 'blue');
  await page.bringToFront();
  await page.getByTestId('share-start').click();
  await expect(page.getByTestId('share')).toHaveAttribute('data-state', 'live');

  const end = host.page.getByTestId('share-end');
  await expect(end, 'of the one shared screen, and of no other source').toHaveCount(1);
  await expect(item(guest)).toHaveCount(1);
  await expect(page.getByTestId('share-end'), 'only hosts end what is not theirs').toHaveCount(0);
  if (process.env.RUSHES_SCREENSHOTS) {
    await host.page.setViewportSize({ width: 1280, height: 720 });
    await host.page.screenshot({ path: `${process.env.RUSHES_SCREENSHOTS}/share-end.png` });
    await host.page.setViewportSize({ width: 390, height: 844 });
    await end.scrollIntoViewIfNeeded();
    await host.page.screenshot({ path: `${process.env.RUSHES_SCREENSHOTS}/share-end-phone.png` });
    await host.page.setViewportSize({ width: 1280, height: 720 });
  }
  await end.click();
  await expect(item(host)).toHaveCount(0);
  await expect(page.getByTestId('share-problem')).toContainText('a host has ended it');
  await expect(page.getByTestId('share-start')).toBeVisible();
});

test('a phone is not offered what it cannot do', async ({ browser }) => {
  const page = await stage.newPage(browser, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const phone = await Room.open(page, stage.demo.links.host_link, 'phone');
  await expect(phone.page.getByTestId('playlist-item').first()).toBeVisible();
  await expect(phone.page.getByTestId('share-start')).toHaveCount(0);
  if (process.env.RUSHES_SCREENSHOTS) {
    await page.screenshot({ path: `${process.env.RUSHES_SCREENSHOTS}/share-phone.png` });
  }
});
