import { existsSync, readFileSync } from 'node:fs';

/** The source form of the OCSF schema, https://github.com/ocsf/ocsf-schema, as far as checking an event needs it. */
interface Attribute {
  type?: string;
  is_array?: boolean;
  requirement?: string;
  enum?: Record<string, { caption: string }>;
  sibling?: string;
  profile?: string | null;
  '@deprecated'?: object;
}

interface Definition {
  name: string;
  uid?: number;
  category?: string;
  extends?: string;
  attributes: Record<string, Attribute> & { $include?: string[] };
  constraints?: { at_least_one?: string[]; just_one?: string[] };
  observable?: number;
}

interface DataType {
  type?: string;
  regex?: string;
  max_len?: number;
  range?: [number, number];
  observable?: number;
}

interface Compiled {
  attributes: Record<string, Attribute>;
  constraints: { at_least_one?: string[]; just_one?: string[] };
}

type Members = Record<string, unknown>;

const root = new URL('../../../test/fixtures/ocsf-1.8.0/', import.meta.url);

/** Still what subscribers know; the schema's own validator warns of it and takes it. */
const toleratedDeprecations: ReadonlySet<string> = new Set(['evidences[0].container.image.tag']);

/**
 * Checks events against OCSF 1.8.0 as its own validator does: required attributes, types, enums with their captions,
 * constraints, profiles; an attribute the schema does not have is an error.
 */
export class OcsfSchema {
  readonly #dictionary = read('dictionary.json') as unknown as {
    attributes: Record<string, Attribute>;
    types: { attributes: Record<string, DataType> };
  };
  readonly #objects = new Map<string, Compiled>();
  readonly #class: Compiled;
  readonly #classUid: number;
  readonly #categoryUid: number;

  constructor(classFile = 'events/findings/detection_finding.json') {
    const definition = read(classFile);
    this.#class = this.#compile(definition, (name) =>
      read(
        existsSync(new URL(`events/findings/${name}.json`, root))
          ? `events/findings/${name}.json`
          : `events/${name}.json`,
      ),
    );
    const categories = read('categories.json') as unknown as { attributes: Record<string, { uid: number }> };
    this.#categoryUid = categories.attributes.findings?.uid ?? -1;
    this.#classUid = this.#categoryUid * 1000 + (definition.uid ?? 0);
  }

  /** Every violation, as "path: what". */
  validate(event: Members): string[] {
    const metadata = event.metadata as { version?: string; profiles?: string[] } | undefined;
    const check = new Check(this.#dictionary, (type) => this.#object(type), metadata?.profiles ?? []);
    // These enums are calculated by the schema's compiler.
    const { class_uid, category_uid, type_uid, ...attributes } = this.#class.attributes;
    const { class_uid: classUid, category_uid: categoryUid, type_uid: typeUid, ...members } = event;
    if (classUid !== this.#classUid) check.problems.push(`class_uid: ${classUid} instead of ${this.#classUid}`);
    if (categoryUid !== this.#categoryUid) check.problems.push(`category_uid: ${categoryUid}`);
    if (typeUid !== this.#classUid * 100 + Number(event.activity_id)) check.problems.push(`type_uid: ${typeUid}`);
    if (metadata?.version !== (read('version.json') as unknown as { version: string }).version)
      check.problems.push(`metadata.version: ${metadata?.version}`);
    check.members(members, { ...this.#class, attributes }, '');
    this.#observables(event, check.problems);
    return check.problems;
  }

  /** The enum of `observable.type_id` is calculated too, and names point into the event. */
  #observables(event: Members, problems: string[]): void {
    const numbers = new Set(Object.values(this.#dictionary.types.attributes).map((type) => type.observable));
    for (const attribute of Object.values(this.#dictionary.attributes))
      numbers.add((attribute as { observable?: number }).observable);
    for (const [index, entry] of ((event.observables ?? []) as Members[]).entries()) {
      if (!numbers.has(entry.type_id as number)) problems.push(`observables[${index}].type_id: ${entry.type_id}`);
      const steps = String(entry.name)
        .replaceAll(/\[(\d+)\]/g, '.$1')
        .split('.');
      const found = steps.reduce<unknown>((at, step) => (at as Members | undefined)?.[step], event);
      if (found !== entry.value) problems.push(`observables[${index}]: ${entry.name} is ${String(found)}`);
    }
  }

  #object(type: string): Compiled | undefined {
    const known = this.#objects.get(type);
    if (known !== undefined) return known;
    if (!existsSync(new URL(`objects/${type}.json`, root))) return undefined;
    const compiled = this.#compile(read(`objects/${type}.json`), (name) => read(`objects/${name}.json`));
    this.#objects.set(type, compiled);
    return compiled;
  }

  #compile(definition: Definition, parentOf: (name: string) => Definition): Compiled {
    const parent = definition.extends === undefined ? undefined : this.#compile(parentOf(definition.extends), parentOf);
    const attributes = { ...parent?.attributes };
    const { $include, ...own } = definition.attributes;
    for (const file of $include ?? []) {
      const profile = read(file);
      const { $include: _none, ...added } = profile.attributes;
      for (const [name, attribute] of Object.entries(added))
        attributes[name] = merged(attributes[name], { ...attribute, profile: profile.name });
    }
    for (const [name, attribute] of Object.entries(own)) attributes[name] = merged(attributes[name], attribute);
    return { attributes, constraints: { ...parent?.constraints, ...definition.constraints } };
  }
}

class Check {
  readonly problems: string[] = [];
  readonly #dictionary;
  readonly #objectOf: (type: string) => Compiled | undefined;
  readonly #profiles: readonly string[];

  constructor(
    dictionary: { attributes: Record<string, Attribute>; types: { attributes: Record<string, DataType> } },
    objectOf: (type: string) => Compiled | undefined,
    profiles: readonly string[],
  ) {
    this.#dictionary = dictionary;
    this.#objectOf = objectOf;
    this.#profiles = profiles;
  }

  members(value: Members, compiled: Compiled, path: string): void {
    for (const [name, attribute] of Object.entries(compiled.attributes)) {
      const applies = typeof attribute.profile !== 'string' || this.#profiles.includes(attribute.profile);
      if (attribute.requirement === 'required' && applies && !(name in value)) this.#problem(path, name, 'is missing');
      if (!applies && name in value) this.#problem(path, name, `needs the profile ${attribute.profile}`);
    }
    for (const [name, member] of Object.entries(value)) {
      const attribute = compiled.attributes[name];
      if (attribute === undefined) this.#problem(path, name, 'is not in the schema');
      else this.#attribute(value, name, member, merged(this.#dictionary.attributes[name], attribute), path);
    }
    const { at_least_one: some, just_one: one } = compiled.constraints;
    if (some?.some((name) => name in value) === false) this.#problem(path, '', `needs one of ${some.join(', ')}`);
    if (one !== undefined && one.filter((name) => name in value).length !== 1)
      this.#problem(path, '', `needs just one of ${one.join(', ')}`);
  }

  #attribute(around: Members, name: string, member: unknown, attribute: Attribute, path: string): void {
    const at = path === '' ? name : `${path}.${name}`;
    if (attribute['@deprecated'] !== undefined && !toleratedDeprecations.has(at))
      this.#problem(path, name, 'is deprecated');
    if ((attribute.is_array ?? false) !== Array.isArray(member)) {
      this.#problem(path, name, 'array or not');
      return;
    }
    const items = Array.isArray(member) ? member.entries() : [[undefined, member] as const];
    for (const [index, item] of items) this.#item(item, attribute, index === undefined ? at : `${at}[${index}]`);
    if (attribute.enum === undefined || Array.isArray(member)) return;
    const choice = attribute.enum[String(member)];
    // The ids of observables are calculated, see above.
    if (choice === undefined) {
      if (!at.startsWith('observables')) this.#problem(path, name, `${String(member)} is not in the enum`);
      return;
    }
    const caption = attribute.sibling === undefined ? undefined : around[attribute.sibling];
    if (caption !== undefined && String(member) !== '99' && caption !== choice.caption)
      this.#problem(path, name, `caption ${String(caption)} instead of ${choice.caption}`);
  }

  #item(item: unknown, attribute: Attribute, at: string): void {
    const type = attribute.type ?? 'unknown';
    const dataType = this.#dictionary.types.attributes[type];
    if (dataType !== undefined) {
      this.#scalar(item, type, dataType, at);
      return;
    }
    const compiled = this.#objectOf(type);
    if (compiled === undefined) this.problems.push(`${at}: type ${type} is not known`);
    else if (typeof item !== 'object' || item === null || Array.isArray(item))
      this.problems.push(`${at}: is no ${type} object`);
    else if (type !== 'object') this.members(item as Members, compiled, at);
  }

  #scalar(item: unknown, type: string, dataType: DataType, at: string): void {
    const base = dataType.type ?? type;
    const fits =
      base === 'json_t' ||
      (base === 'string_t' && typeof item === 'string' && item.isWellFormed()) ||
      (base === 'boolean_t' && typeof item === 'boolean') ||
      (base === 'float_t' && typeof item === 'number') ||
      ((base === 'integer_t' || base === 'long_t') && Number.isSafeInteger(item));
    if (!fits) this.problems.push(`${at}: ${JSON.stringify(item)} is no ${type}`);
    if (dataType.regex !== undefined && !new RegExp(dataType.regex).test(String(item)))
      this.problems.push(`${at}: ${String(item)} does not look like ${type}`);
    if (dataType.max_len !== undefined && String(item).length > dataType.max_len)
      this.problems.push(`${at}: longer than ${dataType.max_len}`);
    if (dataType.range !== undefined && (Number(item) < dataType.range[0] || Number(item) > dataType.range[1]))
      this.problems.push(`${at}: ${String(item)} is out of range`);
  }

  #problem(path: string, name: string, what: string): void {
    this.problems.push(`${path === '' || name === '' ? path + name : `${path}.${name}`}: ${what}`);
  }
}

function merged(below: Attribute | undefined, above: Attribute): Attribute {
  const choices = below?.enum === undefined && above.enum === undefined ? undefined : { ...below?.enum, ...above.enum };
  const all: Attribute = { ...below, ...above };
  if (choices !== undefined) all.enum = choices;
  return all;
}

function read(file: string): Definition {
  return JSON.parse(readFileSync(new URL(file, root), 'utf8')) as Definition;
}
