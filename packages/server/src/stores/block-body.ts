import { NativeWriter } from './native-writer.ts'
import type { Block } from './store.ts'

/**
 * A block as one body of `INSERT … FORMAT Native`:
 *
 *   varint columns, varint rows, columns × (String name, String type, data)
 *
 * The pieces are views of the columns' own buffers: nothing is copied.
 */
export function blockBody(block: Block): Uint8Array[] {
  const head = new NativeWriter()
  head.varint(block.columns.length)
  head.varint(block.rows)
  const pieces = [head.done()]
  for (const column of block.columns) {
    const columnHead = new NativeWriter(column.name.length * 3 + column.type.length * 3 + 20)
    columnHead.text(column.name)
    columnHead.text(column.type)
    pieces.push(columnHead.done())
    for (const piece of column.data) if (piece.length > 0) pieces.push(piece)
  }
  return pieces
}
