package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// keyIDLength is that of the ids that Apple gives keys.
const keyIDLength = 10

// SecretEnv names an environment variable that holds a secret. The name is no
// secret, the value is: it is read where it is needed and kept nowhere else.
type SecretEnv string

// Read returns the variable's value; an error where it is empty or not set.
func (e SecretEnv) Read() ([]byte, error) {
	text := os.Getenv(string(e))
	if text == "" {
		return nil, fmt.Errorf("the environment variable %s is empty or not set", string(e))
	}
	return []byte(text), nil
}

// MarshalYAML says where the secret stands.
func (e SecretEnv) MarshalYAML() (any, error) {
	return "(from environment " + string(e) + ")", nil
}

// Secret reads the application's key or credentials.
func (a App) Secret() ([]byte, error) {
	switch {
	case a.SecretEnv != "":
		return a.SecretEnv.Read()
	case a.Provider == ProviderAPNs:
		return a.KeyFile.Read()
	default:
		return a.CredentialsFile.Read()
	}
}

// ReadKeyID returns the id of the application's key, from KeyIDFile if there is
// one.
func (a App) ReadKeyID() (string, error) {
	if a.KeyIDFile == "" {
		return a.KeyID, nil
	}
	b, err := a.KeyIDFile.Read()
	if err != nil {
		return "", err
	}
	id := string(bytes.TrimSpace(b))
	if len(id) != keyIDLength {
		return "", fmt.Errorf("%s holds %d characters: Apple gives a key's id ten", a.KeyIDFile, len(id))
	}
	return id, nil
}

// CredentialFiles are the files that the credential is read from.
func (a App) CredentialFiles() []string {
	var files []string
	if a.SecretEnv == "" && a.Provider == ProviderAPNs {
		files = append(files, string(a.KeyFile))
	} else if a.SecretEnv == "" {
		files = append(files, string(a.CredentialsFile))
	}
	if a.KeyIDFile != "" {
		files = append(files, string(a.KeyIDFile))
	}
	return files
}

func (a *App) checkKeyID(k *checker, path string) {
	switch {
	case a.KeyIDFile == "" && len(a.KeyID) != keyIDLength:
		k.addf(path+".key_id", "is %q: Apple gives it ten characters", a.KeyID)
	case a.KeyIDFile != "" && a.KeyID != "":
		k.addf(path+".key_id_file", "stands beside key_id: keep one of the two")
	case a.KeyIDFile != "":
		if _, err := a.ReadKeyID(); err != nil {
			k.addf(path+".key_id_file", "cannot be used: %s", why(err))
		}
	}
}

// checkSecret checks the file in the field of this name, or the variable in its
// place.
func (a *App) checkSecret(k *checker, path, name string, f SecretFile) {
	switch {
	case a.SecretEnv == "":
		k.secret(path+"."+name, f)
	case f != "":
		k.addf(path+".secret_env", "stands beside %s: keep one of the two", name)
	case pasted(string(a.SecretEnv)):
		k.addf(path+".secret_env", "holds a secret: name the environment variable that does")
	default:
		if _, err := a.SecretEnv.Read(); err != nil {
			k.addf(path+".secret_env", "cannot be used: %s", err)
		}
	}
}

// pasted tells a key or credentials that somebody wrote where a name belongs:
// no complaint may quote that.
func pasted(name string) bool {
	return strings.ContainsAny(name, "\n{") || strings.Contains(name, "PRIVATE KEY")
}
