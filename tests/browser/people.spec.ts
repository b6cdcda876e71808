// People and productions: a browser is signed in by a code, its owner looks around in a production and invites somebody,
// who comes in by the link of the mail.
import { test, expect, devices } from '@playwright/test';
import { signIn } from './asks.ts';
import { Stage } from './stage.ts';

const stage = new Stage();

/** The one mail to an address, once it is there. */
async function mailTo(address: string): Promise<string> {
  let mail = '';
  await expect(() => {
    const found = stage.demo.mails().find((text) => text.includes(`To: ${address}\r\n`));
    expect(found).toBeDefined();
    mail = found ?? '';
  }).toPass({ intervals: [50] });
  return mail;
}

function linkIn(mail: string): string {
  const link = /https?:\/\/\S+#\/login\?\S+/.exec(mail)?.[0];
  if (!link) throw new Error(`no link in\n${mail}`);
  return link;
}

test('a code signs a browser in, and whoever is invited there comes in by the mail', async ({ browser }) => {
  const desktop = await stage.newPage(browser);
  await desktop.goto(stage.demo.links.url);
  await desktop.getByTestId('device-login').click();
  const code = await desktop.getByTestId('user-code').innerText();
  await expect(desktop.getByRole('img', { name: 'QR code' })).toHaveJSProperty('complete', true);

  // Somebody who is signed in lets it in, by the address that the QR code has.
  const phone = await stage.newPage(browser, devices['Pixel 7']);
  await signIn(phone, stage.demo.links.host_link);
  await phone.goto(`${stage.demo.links.url}/#/device?code=${code}`);
  await expect(phone.getByLabel('Code of the device')).toHaveValue(code);
  await phone.getByRole('button', { name: 'Let it in' }).click();
  await expect(phone.getByTestId('device-done')).toBeVisible();

  await desktop.getByRole('link', { name: 'Productions' }).click();
  await desktop.getByTestId('production-card').first().getByRole('link').click();
  await desktop.getByTestId('folder-row').first().click();
  await expect(desktop.getByTestId('asset-row').first()).toBeVisible();
  const folder = await desktop.getByRole('heading', { level: 1 }).innerText();

  await desktop.getByTestId('invite').click();
  const dialog = desktop.getByRole('dialog');
  await dialog.getByLabel('E-mail address').fill('focus@rushes.test');
  await dialog.getByLabel('First name').fill('Focus');
  await dialog.getByLabel('Last name').fill('Puller');
  await dialog.getByLabel('May do').selectOption({ label: 'Reviewer' });
  await dialog.getByTestId('send-invite').click();
  const row = desktop.getByTestId('person-row').filter({ hasText: 'focus@rushes.test' });
  await expect(row).toContainText('Invited');
  await expect(row.getByRole('combobox').locator('option:checked')).toHaveText('Reviewer');

  const invited = await stage.newPage(browser);
  await invited.goto(linkIn(await mailTo('focus@rushes.test')));
  await expect(invited.getByRole('heading', { level: 1 })).toHaveText(folder);
  await expect(invited.getByTestId('asset-row').first()).toBeVisible();
  // What they may not do is not offered to them.
  await expect(invited.getByTestId('invite')).toHaveCount(0);
});
