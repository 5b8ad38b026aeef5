"""Reads keys and tensor table of a GGUF file of version 3, and writes the file
with a tensor missing or misshapen, with the standard library alone."""

import struct

# struct's letter for GGUF's types of values; 8 is a string, 9 an array.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
           10: "Q", 11: "q", 12: "d"}


ALIGNMENT = 32  # of tensors, in the files that we write


class Gguf:
    """Keys and tensor table of a file, and where the table's entries lie."""

    def __init__(self, path):
        self.data, self.at = path.read_bytes(), 24
        tensors, keys = struct.unpack_from("<QQ", self.data, 8)
        self.keys, self.places = {}, {}
        for _ in range(keys):
            name, kind = self.string(), self.scalar(4)
            self.places[name] = kind, self.at
            self.keys[name] = self.value(kind)
        self.tensors = {}
        for _ in range(tensors):
            name = self.string()
            end, count = self.at, self.scalar(4)
            sizes = self.at
            dims = [self.scalar(10) for _ in range(count)]
            self.tensors[name] = (dims, self.scalar(4), end, sizes)
            self.scalar(10)

    def scalar(self, kind):
        letter = "<" + SCALARS[kind]
        value, = struct.unpack_from(letter, self.data, self.at)
        self.at += struct.calcsize(letter)
        return value

    def string(self):
        length = self.scalar(10)
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == 9:
            inner, length = self.scalar(4), self.scalar(10)
            return [self.value(inner) for _ in range(length)]
        return self.string() if kind == 8 else self.scalar(kind)

    def with_value(self, key, values):
        """The file with other numbers for this key, as many as it has."""
        (kind, at), count = self.places[key], 1
        if kind == 9:
            kind, count = struct.unpack_from("<IQ", self.data, at)
            at += 12
        if len(values) != count:
            raise ValueError(f"key '{key}' has {count} numbers")
        new = struct.pack(f"<{len(values)}{SCALARS[kind]}", *values)
        return self.data[:at] + new + self.data[at + len(new):]

    def without(self, name):
        """The file with this tensor under a name that nobody asks for."""
        end = self.tensors[name][2]
        return self.data[:end - 1] + b"~" + self.data[end:]

    def renamed(self, name, new):
        """The file with another name for this tensor."""
        end = self.tensors[name][2]
        begin = end - len(name.encode()) - 8
        table = (self.data[:begin] + struct.pack("<Q", len(new.encode()))
                 + new.encode() + self.data[end:self.at])
        return (table + bytes(-len(table) % ALIGNMENT)
                + self.data[-(-self.at // ALIGNMENT) * ALIGNMENT:])

    def misshapen(self, name):
        """The file with this tensor narrower; None if it is one number."""
        dims, _, _, at = self.tensors[name]
        sizes = list(dims)
        if sizes[0] % 2 == 0:
            sizes[0] //= 2
            if len(sizes) > 1:
                sizes[-1] *= 2
        elif len(sizes) > 1 and sizes[1] % 2 == 0:
            sizes[1] //= 2
        else:
            return None
        return (self.data[:at] + struct.pack(f"<{len(sizes)}Q", *sizes)
                + self.data[at + 8 * len(sizes):])
