/** Writes schemas/config.schema.json from the code: `npm exec -c 'node test/tools/write-config-schema.ts'`. */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../../src/config/schema.ts';

writeFileSync('schemas/config.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
