/**
 * The same BTF with a header of `headerBytes` (at least 32): behind the 24 bytes of old come the offset and length of a
 * section that describes the kinds' layouts, as newer kernels write it, and then zeros.
 */
export function withLongHeader(btf: Buffer, headerBytes: number): Buffer {
  const section = (fieldAt: number): Buffer => {
    const start = btf.readUInt32LE(4) + btf.readUInt32LE(fieldAt);
    return btf.subarray(start, start + btf.readUInt32LE(fieldAt + 4));
  };
  const [types, strings] = [section(8), section(16)];
  const layout = Buffer.alloc(20 * 4);
  const header = Buffer.alloc(headerBytes);
  btf.copy(header, 0, 0, 4);
  const fields = [headerBytes, 0, types.length, types.length + layout.length, strings.length];
  for (const [index, field] of [...fields, types.length, layout.length].entries())
    header.writeUInt32LE(field, 4 + index * 4);
  return Buffer.concat([header, types, layout, strings]);
}
