#!/usr/bin/env python3
"""Makes src/Ballast/Sasl/SaslPrep.bin, what SASLprep (RFC 4013) has to know of characters, and prints the digest that SaslPrepTests pins.

The facts are those of Unicode 3.2, which RFC 3454 names, as Python's own unicodedata and stringprep have them.
Numbers are unsigned LEB128; a difference has its sign in its lowest bit. The sections follow each other, each after its count:
decompositions (code point, as a difference to the one before; how many it becomes; these, each as a difference to the one before),
compositions (the same for the result; first and second part, as differences to it), combining classes (gap behind the range before,
length less one, class), and ranges (gap, length less one) of what is removed, of spaces, of what is prohibited, and of what is
written from right to left and from left to right.
"""
import hashlib
import os
import stringprep
import unicodedata

data = unicodedata.ucd_3_2_0
HANGUL, LETTERS, JAMO, END = range(0xAC00, 0xD7A4), range(0x250), range(0x1100, 0x1200), 0x110000
PROHIBITED = (
    stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5,
    stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9)
out = bytearray()


def number(value):
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def difference(value):
    number(value * 2 if value >= 0 else -value * 2 - 1)


def ranges(kind):
    """The ranges of characters of which a function says the same that is not false."""
    found = []
    for code in range(END):
        value = kind(chr(code))
        if value and found and found[-1][1] == code - 1 and found[-1][2] == value:
            found[-1][1] = code
        elif value:
            found.append([code, code, value])
    return found


def write_ranges(kind, with_value=False):
    found, behind = ranges(kind), 0
    number(len(found))
    for first, last, value in found:
        number(first - behind)
        number(last - first)
        if with_value:
            number(value)
        behind = last + 1


def write_table():
    codes = [code for code in range(END) if not 0xD800 <= code < 0xE000 and code not in HANGUL]
    changed = [(code, data.normalize('NFKD', chr(code))) for code in codes if data.normalize('NFKD', chr(code)) != chr(code)]
    number(len(changed))
    before = part_before = 0
    for code, parts in changed:
        number(code - before)
        number(len(parts))
        for part in parts:
            difference(ord(part) - part_before)
            part_before = ord(part)
        before = code

    made = []
    for code in codes:
        parts = [int(part, 16) for part in data.decomposition(chr(code)).split() if not part.startswith('<')]
        if len(parts) == 2 and '<' not in data.decomposition(chr(code)) and data.normalize('NFC', ''.join(map(chr, parts))) == chr(code):
            made.append((code, *parts))
    number(len(made))
    before = 0
    for code, first, second in made:
        number(code - before)
        difference(first - code)
        difference(second - code)
        before = code

    write_ranges(lambda c: data.combining(c), with_value=True)
    write_ranges(stringprep.in_table_b1)
    write_ranges(stringprep.in_table_c12)
    write_ranges(lambda c: any(table(c) for table in PROHIBITED))
    write_ranges(stringprep.in_table_d1)
    write_ranges(stringprep.in_table_d2)


def prepare(text):
    """SASLprep of a text; None where it is refused."""
    # U+200B is in both tables; RFC 4013 names the spaces first.
    text = ''.join(' ' if stringprep.in_table_c12(c) else '' if stringprep.in_table_b1(c) else c for c in text)
    text = data.normalize('NFKC', text)
    if not text or any(table(c) for c in text for table in PROHIBITED):
        return None
    if any(map(stringprep.in_table_d1, text)) and (
            any(map(stringprep.in_table_d2, text)) or not stringprep.in_table_d1(text[0]) or not stringprep.in_table_d1(text[-1])):
        return None
    return text


def digest():
    """Of each character, and of those that join others or change places also among some; of newer ones Python knows the places."""
    result = hashlib.sha256()
    for code in range(1, 0x30000):
        if 0xD800 <= code < 0xE000:
            continue
        moves = code in LETTERS or code in JAMO or data.combining(chr(code)) or data.normalize('NFKD', chr(code)) != chr(code)
        for pattern in ('%c', 'e%c\u0323\u0301', '\u1100%c\u11a8', '\u0627%c\u0628') if moves else ('%c',):
            result.update((prepare(pattern % code) or '').encode() + b'\n')
    return result.hexdigest()


write_table()
with open(os.path.join(os.path.dirname(__file__), '../src/Ballast/Sasl/SaslPrep.bin'), 'wb') as file:
    file.write(out)
print(len(out), digest())
