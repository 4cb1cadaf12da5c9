package wire

import "fmt"

// Kind names a kind in a frame: by its number in Welcome.kinds, or literally.
type Kind struct {
	// Number n >= 1 stands for the n-th of Welcome.kinds. 0: see Name.
	Number uint64
	// Name is the kind itself where Number is 0, and empty otherwise.
	Name string
}

// KindVersion is a kind with the version a device has of it.
type KindVersion struct {
	Kind    Kind
	Version int64
}

// Kinds is the list of kinds of a connection, as Welcome gave it.
type Kinds []string

// Ref returns the shortest way to name a kind: its number if the list has
// it.
func (k Kinds) Ref(name string) Kind {
	for i, known := range k {
		if known == name {
			return Kind{Number: uint64(i) + 1}
		}
	}
	return Kind{Name: name}
}

// Name resolves a Kind to its name. The error wraps ErrMalformed if the list
// has no such number, and ErrID if a literal name is outside the grammar.
func (k Kinds) Name(ref Kind) (string, error) {
	if ref.Number == 0 {
		return ref.Name, CheckID("kind", ref.Name)
	}
	if ref.Number > uint64(len(k)) {
		return "", &malformed{fmt.Sprintf("kind number %d is above the %d kinds of Welcome", ref.Number, len(k)), nil}
	}
	return k[ref.Number-1], nil
}

func (d *decoder) kind() Kind {
	if n := d.varint("kind number", MaxKinds); n != 0 || d.err != nil {
		return Kind{Number: n}
	}
	return Kind{Name: d.id("kind")}
}

func appendKind(b []byte, k Kind) []byte {
	b = appendVarint(b, k.Number)
	if k.Number == 0 {
		b = appendBytes(b, k.Name)
	}
	return b
}
