package fcm

import "github.com/hawser-edge/hawser/push"

// advice is what an operator is told about an answer. In its texts {project}
// and {account} stand for the client's own.
type advice struct {
	finding         push.Finding
	problem, remedy string
}

const newKey = "Make a new key in the Firebase console under Project settings, Service accounts."

// words puts Google's reasons, and our own, in plain words. It is never written.
var words = map[string]advice{
	// Of the token endpoint.
	"key not valid": {push.CredentialRefused,
		"Google does not take the signature of {account}: its key was deleted, or the file is not as Google gave it.", newKey},
	"account disabled": {push.CredentialRefused,
		"The service account {account} is disabled.", "Enable it in the Google Cloud console under IAM, Service accounts."},
	"account not found": {push.CredentialRefused,
		"The service account {account} does not exist any more.", newKey},
	"clock": {push.CredentialRefused,
		"Google finds the time of the request wrong: the clock of this machine is off.", "Have the clock set from the network (NTP)."},
	"service account refused": {push.CredentialRefused,
		"Google refuses the service account {account}.", "Check that it exists, is enabled and that the clock is right."},
	"no access token": {push.CredentialUnknown,
		"Google's token endpoint was not reached, or has trouble.", "Look for DNS, a proxy and a firewall; the log of this process has the error."},

	// Of FCM, about the credential.
	"SERVICE_DISABLED": {push.CredentialRefused,
		"The Firebase Cloud Messaging API is not enabled in project {project}.", "Enable it in the Google Cloud console under APIs and services."},
	"IAM_PERMISSION_DENIED": {push.CredentialRefused,
		"{account} may not send in project {project}.", "Give it the role Firebase Cloud Messaging API Admin there, or set app to the account's own project."},
	"ACCESS_TOKEN_SCOPE_INSUFFICIENT": {push.CredentialRefused,
		"The access token of {account} is not made for messages.", newKey},
	"project not found": {push.CredentialRefused,
		"Google knows no project {project}.", "Set app to the id of the Firebase project, not to its name or number."},
	"another project": {push.CredentialRefused,
		"{account} belongs to another project than {project}.", "Set app to the project whose service account this is, or give a file of this project."},
	"THIRD_PARTY_AUTH_ERROR": {push.CredentialRefused,
		"The token is an iPhone's or a browser's, and Google has no key of project {project} to reach those.", "Upload the APNs key, or the web push key, in the Firebase console under Cloud Messaging; or have the app register what its platform is."},
	"refused": {push.CredentialRefused,
		"Google refuses {account} in project {project}.", "Check that the account may send messages there and that the Firebase Cloud Messaging API is enabled."},
	"QUOTA_EXCEEDED": {push.CredentialUnknown,
		"Project {project} has sent more than its quota.", "Wait, or ask Google for more."},

	// Of FCM, about the token or the message.
	"UNREGISTERED": {push.CredentialWorks,
		"The app was removed from the device, or its token has expired.", "Nothing is to be done: the app registers anew when it runs."},
	"INVALID_ARGUMENT": {push.CredentialWorks,
		"Google takes what the device registered for no token.", "Have the app send its FCM registration token as it is."},
	"malformed token": {push.CredentialWorks,
		"What the device registered is no FCM token.", "Have the app send its FCM registration token as it is."},
	"SENDER_ID_MISMATCH": {push.CredentialWorks,
		"The device's token was made for another Firebase project than {project}.", "Compare app with the project in the app's google-services.json."},
	"message": {push.CredentialWorks,
		"Google refuses the message itself.", "Look at what the event wants shown; please report it if that looks right."},

	// Of whoever answers in Google's place.
	"http 200": {push.CredentialUnknown,
		"What answered is not Google: a page came where the name of a message should be.", "Look for a proxy between this machine and Google."},

	// Neither.
	"no connection": {push.CredentialUnknown,
		"Google was not reached.", "Look for DNS, a proxy and a firewall; the log of this process has the error."},
	"timeout": {push.CredentialUnknown,
		"Google did not answer in time.", "Try again; look for a firewall or a proxy."},
	"trouble": {push.CredentialUnknown,
		"Google has trouble or sees too much traffic.", "Try again later."},
}
