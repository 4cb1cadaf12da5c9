package devmode

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hawser-edge/hawser/gateway/leak"
)

// TokenMark is how every push token of a development device begins, in hex, so
// that one that is said somewhere can be told from other numbers.
const TokenMark = "d51c9e3fa7046b82"

// Scanner returns one that knows every secret of the fleet: passwords, keys and
// the beginning of all push tokens.
func (e *Environment) Scanner() (*leak.Scanner, error) {
	secrets, err := e.secrets()
	if err != nil {
		return nil, err
	}
	s := &leak.Scanner{}
	for name, secret := range secrets {
		s.Know(name, secret)
	}
	return s, nil
}

// secrets are what nobody may read in what the fleet says, by what they are.
func (e *Environment) secrets() (map[string][]byte, error) {
	all := map[string][]byte{"a push token": []byte(TokenMark)}
	files := []string{ticketKeyFile, keyFile, apnsKeyFile}
	inJSON := map[string]string{fcmAccountFile: "private_key"}
	for _, u := range e.users {
		files = append(files, PasswordFile(u.Role, u.Label))
	}
	for _, t := range e.tenants {
		files = append(files, t+".api-key")
		inJSON[t+".jwk"] = "d"
	}
	for _, name := range files {
		secret, err := os.ReadFile(e.Path(name))
		if err != nil {
			return nil, fmt.Errorf("read a secret: %w", err)
		}
		all["the secret of "+name] = secret
	}
	for name, member := range inJSON {
		secret, err := SecretIn(e.Path(name), member)
		if err != nil {
			return nil, err
		}
		all["the secret of "+name] = []byte(secret)
	}
	return all, nil
}

// SecretIn is the member of a JSON file that is secret.
func SecretIn(file, member string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return "", fmt.Errorf("read the secret of %s: %w", file, err)
	}
	secret, ok := members[member].(string)
	if !ok {
		return "", fmt.Errorf("%s has no %s that is text", file, member)
	}
	return secret, nil
}
