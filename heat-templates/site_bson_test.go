package heattemplates_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// doc is a BSON document in its order: the first name of a command is the command.
type doc []field

type field struct {
	name  string
	value any
}

type bsonBinary []byte

func (d doc) get(name string) any {
	for _, f := range d {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func (d doc) text(name string) string {
	s, _ := d.get(name).(string)
	return s
}

// encode knows the few types that a member's answers have.
func (d doc) encode() []byte {
	body := make([]byte, 4)
	for _, f := range d {
		kind, value := encodeValue(f.value)
		body = append(body, kind)
		body = append(body, f.name...)
		body = append(body, 0)
		body = append(body, value...)
	}
	body = append(body, 0)
	binary.LittleEndian.PutUint32(body, uint32(len(body)))
	return body
}

func encodeValue(v any) (byte, []byte) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case float64:
		return 1, le.AppendUint64(nil, math.Float64bits(v))
	case string:
		text := le.AppendUint32(nil, uint32(len(v)+1))
		return 2, append(append(text, v...), 0)
	case doc:
		return 3, v.encode()
	case []any:
		list := doc{}
		for i, item := range v {
			list = append(list, field{strconv.Itoa(i), item})
		}
		return 4, list.encode()
	case bsonBinary:
		data := append(le.AppendUint32(nil, uint32(len(v))), 0)
		return 5, append(data, v...)
	case bool:
		if v {
			return 8, []byte{1}
		}
		return 8, []byte{0}
	case int:
		return 16, le.AppendUint32(nil, uint32(int32(v)))
	}
	panic(fmt.Sprintf("no BSON type for %T", v))
}

var errBSON = errors.New("not BSON")

// decode reads one document, and gives what follows it.
func decode(data []byte) (doc, []byte, error) {
	if len(data) < 5 {
		return nil, nil, errBSON
	}
	size := int(binary.LittleEndian.Uint32(data))
	if size < 5 || size > len(data) {
		return nil, nil, errBSON
	}
	body, rest := data[4:size-1], data[size:]
	var d doc
	for len(body) > 0 {
		kind := body[0]
		name, after, err := cString(body[1:])
		if err != nil {
			return nil, nil, err
		}
		var value any
		if value, body, err = decodeValue(kind, after); err != nil {
			return nil, nil, err
		}
		d = append(d, field{name, value})
	}
	return d, rest, nil
}

func cString(data []byte) (string, []byte, error) {
	for i, b := range data {
		if b == 0 {
			return string(data[:i]), data[i+1:], nil
		}
	}
	return "", nil, errBSON
}

func decodeValue(kind byte, data []byte) (any, []byte, error) {
	le := binary.LittleEndian
	fixed := map[byte]int{1: 8, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8}
	if size, ok := fixed[kind]; ok && len(data) < size || !ok && len(data) < 4 {
		return nil, nil, errBSON
	}
	switch kind {
	case 1:
		return math.Float64frombits(le.Uint64(data)), data[8:], nil
	case 2:
		size := int(le.Uint32(data)) + 4
		if size < 5 || size > len(data) {
			return nil, nil, errBSON
		}
		return string(data[4 : size-1]), data[size:], nil
	case 3:
		d, rest, err := decode(data)
		return d, rest, err
	case 4:
		d, rest, err := decode(data)
		list := make([]any, 0, len(d))
		for _, f := range d {
			list = append(list, f.value)
		}
		return list, rest, err
	case 5:
		size := int(le.Uint32(data)) + 5
		if size > len(data) {
			return nil, nil, errBSON
		}
		return bsonBinary(data[5:size]), data[size:], nil
	case 8:
		return data[0] == 1, data[1:], nil
	case 16:
		return int(int32(le.Uint32(data))), data[4:], nil
	case 18:
		return int(le.Uint64(data)), data[8:], nil
	}
	if size, ok := fixed[kind]; ok {
		return nil, data[size:], nil
	}
	return nil, nil, fmt.Errorf("%w: type %d", errBSON, kind)
}
