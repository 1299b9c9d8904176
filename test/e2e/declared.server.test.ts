/** A stranger's queue becomes rows and nodes with no code: a model file, real data, both services, and an independent count. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openWorld, realData, type Type, type World } from '../support/world.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const services = ['tableinator', 'graphinator'] as const;
const labels = ['Airport', 'AirportCountry', 'City', 'Timezone', 'Country', 'Region', 'Subregion', 'Capital'];
const anyLabel = labels.map((label) => `n:${label}`).join(' or ');

let world: World;
let directory: string;

/** The labels stand in the examples, and the graph is one for all tests. */
async function empty(): Promise<void> {
  for (let left = 1; left > 0; ) {
    const [row] = await world.graph.query<{ n: number }>(
      `match (n) where ${anyLabel} with n limit 10000 detach delete n return count(*) as n`,
    );
    left = row?.n ?? 0;
  }
}

async function remove(type: string): Promise<void> {
  const queues = services.map((service) => world.queue(service, type as Type));
  const exchanges = [world.exchange(type as Type), ...queues.map((queue) => `${queue}.dlx`)];
  await world.broker.remove([...queues, ...queues.map((queue) => `${queue}.dlq`)], exchanges);
}

beforeAll(async () => {
  world = await openWorld();
  directory = await mkdtemp(join(tmpdir(), 'inator-declared-'));
});
afterAll(async () => {
  for (const type of ['airports', 'countries']) await remove(type);
  const constraints = await world.graph.query<{ name: string }>(
    'show constraints yield name, labelsOrTypes where labelsOrTypes[0] in $labels return name',
    { labels },
  );
  for (const { name } of constraints) await world.graph.query(`drop constraint \`${name}\` if exists`);
  await world.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(empty);
afterEach(empty);

/** Runs the real command against the world's exchanges. */
async function inator(...args: string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [`${root}packages/cli/bin/inator.js`, ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      RABBITMQ_URL: process.env.TEST_RABBITMQ_URL ?? '',
      RABBITMQ_EXCHANGE_PREFIX: world.prefix,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out };
}

async function start(model: string) {
  const running = await Promise.all(services.map((service) => world.start(service, { DOMAIN: model })));
  await world.drained(...running);
  return running;
}

const one = async <T extends Record<string, unknown>>(cypher: string, parameters = {}): Promise<T | undefined> =>
  (await world.graph.query<T>(cypher, parameters))[0];

/** Fields of one line of CSV, by a reader of the test's own. */
function fields(line: string): string[] {
  const found: string[] = [];
  for (let i = 0; i <= line.length; i += 1) {
    let text = '';
    if (line[i] === '"') {
      for (i += 1; line[i] !== '"' || line[i + 1] === '"'; i += 1) {
        if (line[i] === '"') i += 1;
        text += line[i];
      }
      i += 1;
    } else for (; i < line.length && line[i] !== ','; i += 1) text += line[i];
    found.push(text);
  }
  return found;
}

/** Every fifth of 28,298 airports; `INATOR_TEST_RECORDS` asks for a full run. */
const everyNth = process.env.INATOR_TEST_RECORDS === undefined ? 5 : 1;

const fewAirports = `icao,iata,name,city,subd,country,elevation,lat,lon,tz,lid
EDDB,BER,"Berlin ""Willy Brandt""",Berlin,Brandenburg,DE,157,52.36667,13.50333,Europe/Berlin,
EDDT,,Tegel,Berlin,Berlin,DE,,52.5597,13.2877,Europe/Berlin,
ZZZZ,,"Nowhere, Somewhere",,,AQ,-1.5,-89.99900,0.0,,
`;

it('a CSV of airports: every row, column, node and edge', async () => {
  const all = realData('data/tabular/airportsdata_airports.csv.gz')?.toString() ?? fewAirports;
  const [head = '', ...every] = all.split(/\r?\n/).filter((line) => line !== '');
  const lines = every.filter((_, i) => i % (every.length > 1_000 ? everyNth : 1) === 0);
  const csv = [head, ...lines, ''].join('\n');
  const names = fields(head);
  const airports = lines.map((line) => Object.fromEntries(fields(line).map((text, i) => [names[i], text])));
  const path = join(directory, 'airports.csv');
  await writeFile(path, csv);
  const model = `${root}examples/airports.model.yaml`;

  const running = await start(model);
  expect(await inator('publish', '--model', model, path)).toMatchObject({ code: 0 });
  await world.drained(...running);

  const rows = await world.tables.query<Record<string, string | null>>(
    `select data_id, iata, name, city, country, elevation::text, lat::text, lon::text, (data->>'tz') as tz from "${world.schema}".airports`,
  );
  const orNull = (text: string | undefined): string | null => (text === '' || text === undefined ? null : text);
  const expected = airports.map(({ icao = '', iata, name, city, country, elevation, lat, lon, tz }) => [
    icao,
    { data_id: icao, iata, name, city, country, elevation: orNull(elevation), lat, lon, tz },
  ]);
  expect(rows.length).toBe(airports.length);
  expect(Object.fromEntries(rows.map((row) => [row.data_id, row]))).toEqual(Object.fromEntries(expected));

  const distinct = (of: (airport: Record<string, string>) => string): number =>
    new Set(airports.map(of).filter((text) => text !== '')).size;
  const counted = await world.graph.query<{ label: string; own: number; n: number }>(
    `match (n) where ${anyLabel} return labels(n)[0] as label, count(n.sha256) as own, count(*) as n`,
  );
  expect(Object.fromEntries(counted.map(({ label, own, n }) => [label, [own, n]]))).toEqual({
    Airport: [airports.length, airports.length],
    AirportCountry: [0, distinct(({ country = '' }) => country)],
    City: [0, distinct(({ country, city }) => (city === '' ? '' : `${country}\n${city}`))],
    Timezone: [0, distinct(({ tz = '' }) => tz)],
  });
  const edges = await world.graph.query<{ type: string; n: number }>(
    'match (:Airport)-[r]->() return type(r) as type, count(*) as n',
  );
  expect(Object.fromEntries(edges.map(({ type, n }) => [type, n]))).toEqual({
    IN: airports.filter(({ country }) => country !== '').length,
    SERVES: airports.filter(({ city }) => city !== '').length,
    KEEPS: airports.filter(({ tz }) => tz !== '').length,
  });
  const sum = airports.reduce((total, { lat }) => total + Number(lat), 0);
  expect((await one<{ sum: number }>('match (a:Airport) return sum(a.lat) as sum'))?.sum).toBeCloseTo(sum, 3);
  for (const service of services) {
    expect(await world.broker.letters(`${world.queue(service, 'airports' as Type)}.dlq`)).toEqual([]);
    await running[services.indexOf(service)]?.stop();
  }
});

interface Country {
  readonly cca3: string;
  readonly name: { readonly common: string; readonly official: string };
  readonly region: string;
  readonly subregion: string;
  readonly independent: boolean | null;
  readonly landlocked: boolean;
  readonly area: number;
  readonly latlng: readonly number[];
  readonly capital: readonly string[];
  readonly borders: readonly string[];
  readonly tld: readonly string[];
  readonly currencies: unknown;
}

const country = (cca3: string, borders: readonly string[], more: Partial<Country> = {}): Country => ({
  cca3,
  name: { common: `Country ${cca3}`, official: `The ${cca3}` },
  region: 'Europe',
  subregion: 'Western Europe',
  independent: true,
  landlocked: false,
  area: 1.5,
  latlng: [1, -2.25],
  capital: ['Paris'],
  borders,
  tld: ['.x', '.y'],
  currencies: { EUR: { name: 'Euro' } },
  ...more,
});

describe('countries as nested JSON', () => {
  it('every row, column, node and edge; a changed record takes its edges along; a bad one costs itself', async () => {
    const real = realData('data/tabular/world-countries.json.gz');
    const countries: Country[] =
      real === undefined
        ? [
            country('AAA', ['BBB', 'CCC']),
            country('BBB', ['AAA']),
            country('CCC', ['AAA'], { capital: [], independent: null }),
          ]
        : (JSON.parse(real.toString()) as Country[]);
    const path = join(directory, 'countries.jsonl');
    await writeFile(path, countries.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const model = `${root}examples/countries.model.yaml`;

    const running = await start(model);
    expect(await inator('publish', '--model', model, path)).toMatchObject({ code: 0 });
    await world.drained(...running);

    const read = async (): Promise<Record<string, unknown>> => {
      const rows = await world.tables.query<{ data_id: string }>(
        `select data_id, name, official_name, region, subregion, independent, landlocked, area::text, latitude::text, longitude::text,
           capital, currencies, data->'borders' as borders from "${world.schema}".countries`,
      );
      return Object.fromEntries(rows.map((row) => [row.data_id, row]));
    };
    const rowOf = ({
      cca3,
      name,
      region,
      subregion,
      independent,
      landlocked,
      area,
      latlng,
      capital,
      currencies,
      borders,
    }: Country) => ({
      data_id: cca3,
      name: name.common,
      official_name: name.official,
      region,
      subregion,
      independent,
      landlocked,
      area: String(area),
      latitude: String(latlng[0]),
      longitude: String(latlng[1]),
      capital: capital[0] ?? null,
      currencies,
      borders,
    });
    const expectedRows = (all: readonly Country[]) => Object.fromEntries(all.map((one) => [one.cca3, rowOf(one)]));
    expect(await read()).toEqual(expectedRows(countries));

    const graph = async () => {
      const nodes = await world.graph.query<{ label: string; n: number; own: number }>(
        `match (n) where ${anyLabel} return labels(n)[0] as label, count(*) as n, count(n.sha256) as own`,
      );
      const edges = await world.graph.query<{ type: string; n: number }>(
        `match (n)-[r]->() where ${anyLabel} return type(r) as type, count(*) as n`,
      );
      return {
        nodes: Object.fromEntries(nodes.map(({ label, n, own }) => [label, [own, n]])),
        edges: Object.fromEntries(edges.map(({ type, n }) => [type, n])),
      };
    };
    const size = (texts: readonly string[]): number => new Set(texts.filter((text) => text !== '')).size;
    const expectedGraph = (all: readonly Country[]) => ({
      nodes: {
        Country: [all.length, size(all.flatMap(({ cca3, borders }) => [cca3, ...borders]))],
        Region: [0, size(all.map(({ region }) => region))],
        Subregion: [0, size(all.map(({ subregion }) => subregion))],
        Capital: [
          0,
          size(all.flatMap(({ cca3, capital }) => capital.map((name) => (name === '' ? '' : `${cca3}/${name}`)))),
        ],
      },
      edges: {
        BORDERS: size(all.flatMap(({ cca3, borders }) => borders.map((other) => `${cca3}>${other}`))),
        IN: all.filter(({ subregion }) => subregion !== '').length,
        PART_OF: size(
          all.map(({ region, subregion }) => (region === '' || subregion === '' ? '' : `${subregion}>${region}`)),
        ),
        HAS_CAPITAL: size(
          all.flatMap(({ cca3, capital }) => capital.map((name) => (name === '' ? '' : `${cca3}/${name}`))),
        ),
      },
    });
    expect(await graph()).toEqual(expectedGraph(countries));
    const some = countries.find(({ borders, tld }) => borders.length > 1 && tld.length > 0) as Country;
    expect(
      (await one<{ domains: string[] }>('match (c:Country {cca3: $id}) return c.domains as domains', { id: some.cca3 }))
        ?.domains,
    ).toEqual([...some.tld]);

    // A newer state of one record: a neighbour less, another name. Its edge goes, its row changes, nothing else does.
    const changed: Country = { ...some, borders: some.borders.slice(1), name: { ...some.name, common: 'Renamed' } };
    await writeFile(join(directory, 'changed.jsonl'), `${JSON.stringify(changed)}\n`);
    expect(
      await inator('publish', '--model', model, '--type', 'countries', join(directory, 'changed.jsonl')),
    ).toMatchObject({ code: 0 });
    const bad: readonly (readonly [code: string, body: string])[] = [
      ['key-missing', JSON.stringify({ ...some, cca3: '' })],
      ['key-invalid', JSON.stringify({ ...some, cca3: {} })],
      ['value-refused', JSON.stringify({ ...some, cca3: 'BD1', area: 'large' })],
      ['value-refused', JSON.stringify({ ...some, cca3: 'BD2', borders: { FRA: true } })],
      ['value-refused', JSON.stringify({ ...some, cca3: 'BD3', landlocked: null })],
      ['record-too-deep', `{"cca3":"BD4","x":${'['.repeat(101)}${']'.repeat(101)}}`],
      ['json-invalid', '{"cca3":"BD5"'],
    ];
    await world.broker.publish(
      world.exchange('countries' as Type),
      bad.map(([, body]) => body),
    );
    await world.drained(...running);
    const now = countries.map((one) => (one === some ? changed : one));
    expect(await read()).toEqual(expectedRows(now));
    expect(await graph()).toEqual(expectedGraph(now));
    for (const service of services) {
      const letters = await world.broker.letters(`${world.queue(service, 'countries' as Type)}.dlq`);
      const found = letters.map(({ headers, body }) => [headers['x-inator-code'], body.toString()]);
      expect(found.sort()).toEqual(bad.map(([code, body]) => [code, body]).sort());
    }
  });
});

it('a service refuses to start with a faulty model file, and says every fault', async () => {
  const path = join(directory, 'faulty.yaml');
  await writeFile(path, 'name: shop\ntypes:\n  orders:\n    kee: id\n    table:\n      colums: {}\n');
  for (const service of services) {
    const started = world.start(service, { DOMAIN: path });
    await expect(started).rejects.toThrow(/ended with 2 before it listened/);
    await expect(started).rejects.toThrow(/faulty\.yaml:4:5: unknown key `kee`, did you mean `key`\?/);
    await expect(started).rejects.toThrow(/faulty\.yaml:6:7: unknown key `colums`, did you mean `columns`\?/);
  }
});
