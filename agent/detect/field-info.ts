/** CEL types of fields; names with a capital letter are entries of the catalog. */
export interface FieldInfo {
  type: string;
  doc: string;
}

export const text = (doc: string): FieldInfo => ({ type: 'string', doc });
export const int = (doc: string): FieldInfo => ({ type: 'int', doc });
export const bool = (doc: string): FieldInfo => ({ type: 'bool', doc });
export const texts = (doc: string): FieldInfo => ({ type: 'list<string>', doc });
