import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ModelHolder } from '../../src/model/model-holder.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { fixture, tinyConfig } from './tiny.ts';

test('a model appears by itself: missing, then broken, then there', async () => {
  const model = join(tempFolder(), 'late.onnx');
  const states: string[] = [];
  const holder = new ModelHolder(tinyConfig({ model }), ({ ready, error }) => {
    states.push(ready ? 'ready' : (error.split(':')[0] ?? ''));
  });
  onTestFinished(() => holder.close());
  await holder.start();
  expect(holder.current).toMatch(/^UND_MODEL_MISSING: /);

  writeFileSync(model, 'half a model');
  await vi.waitFor(() => expect(holder.current).toMatch(/^UND_MODEL_INVALID: /), 5_000);

  copyFileSync(fixture('tiny.onnx'), model);
  await vi.waitFor(() => expect(holder.current).toMatchObject({ modelVersion: 'tiny-1' }), 5_000);
  // A poll may meet the file while it is being written: that is one more "invalid", never "ready".
  expect(states.at(0)).toBe('UND_MODEL_MISSING');
  expect(states.at(-1)).toBe('ready');
  expect(states.filter((state) => state === 'ready')).toHaveLength(1);
});

test('a closed holder has no model and stops looking for one', async () => {
  const model = join(tempFolder(), 'late.onnx');
  const holder = new ModelHolder(tinyConfig({ model }), () => {});
  await holder.start();
  await holder.close();
  copyFileSync(fixture('tiny.onnx'), model);
  await holder.start();
  expect(typeof holder.current).toBe('string');
});
