//! How people decline in the languages of Europe.

use super::phrases::{NONE, Tongue};

pub(super) const ENGLISH: Tongue = Tongue {
    tag: "en",
    able: "i can't|i cannot|i can not|i couldn't|i won't|i will not|i'm not able|i am not able|i'm unable|\
        i am unable|i'm not going to|i am not going to|i'm not willing|i am not willing|i'm not allowed|\
        i am not allowed|i'm not comfortable|i am not comfortable|we can't|we cannot|i simply can't|\
        i really can't|i don't feel comfortable",
    act: "help|assist|provid|do that|do this|do it|comply|fulfil|share|give|giving|writ|creat|generat|support|\
        continue|engage|participat|answer|tell you|offer|discuss|show|reveal|disclos|make|making|produc|\
        print|repeat|send|sign|draft|explain how|look up|track|find|pretend|take part|facilitat",
    flat: "i must decline|i must respectfully decline|i have to decline|i need to decline|i'll have to decline|\
        i'll decline|i decline|i refuse|i must refuse|i have to refuse|i'd rather not|\
        that's not something i can|that is not something i can|that's not something i'm able|\
        not something i can help|against my guidelines|against my polic|goes against my|\
        can't help with that|cannot help with that|can't assist with that|cannot assist with that",
    limits: "medical advice|legal advice|financial advice|professional advice|personal advice|diagnos|real-time|\
        live ",
    turns: "here's how|here's a draft|here's a note|here's a letter|here's a template|here's a sample|\
        here's a version|here's a script|here's your|here's the text|here's the command|here is how|\
        here is a draft|here is a note|here is a letter|here is a template|here is a sample|\
        here is a version|here is a script|here is your|here is the text|here is the command|here are ten|\
        here are the steps|here are your|step 1|sure, here|anyway, here",
    ..NONE
};

pub(super) const GERMAN: Tongue = Tongue {
    tag: "de",
    able: "ich kann|kann ich|ich darf|darf ich|ich werde|werde ich|ich möchte|möchte ich|ich will|wir können|\
        können wir|bin ich nicht|ich bin nicht",
    not: "nicht|kein",
    act: "helfen|behilflich|unterstützen|weiterhelfen|bereitstellen|geben|erstellen|schreiben|machen|tun|\
        beantworten|nennen|verraten|liefern|beitragen|erfüllen|in der lage|zeigen|verfassen|mitmachen|\
        anleitung|preisgeben",
    flat: "muss ich ablehnen|ich muss das ablehnen|ich muss ablehnen|ich lehne|lehne ich ab",
    limits: "medizinische|ärztliche|rechtsberatung|diagnose|finanzberatung",
    turns: "so geht|hier ist ein|hier ist der|hier ist die|hier ist das|hier sind die|schritt 1",
    ..NONE
};

pub(super) const FRENCH: Tongue = Tongue {
    tag: "fr",
    able: "je ne peux|je ne pourrai|je ne saurai|je ne suis pas en mesure|je peux pas|je ne vais pas|\
        je ne suis pas autorisé|je ne souhaite pas|nous ne pouvons",
    act: "aider|assister|fournir|donner|faire|écrire|rédiger|créer|répondre|satisfaire|partager|participer|\
        révéler|accéder à|expliquer comment",
    flat: "je refuse|je dois refuser|je dois décliner|je me dois de refuser",
    limits: "avis médical|conseil médical|conseils médicaux|conseils juridiques|diagnostic",
    turns: "voici|voilà comment|étape 1",
    ..NONE
};

pub(super) const SPANISH: Tongue = Tongue {
    tag: "es",
    able: "no puedo|no te puedo|no le puedo|no os puedo|no podré|no podemos|no voy a|no estoy autorizad|\
        no soy capaz|no me es posible",
    act: "ayudar|asistir|proporcionar|dar|hacer|escribir|redactar|crear|compartir|cumplir|generar|facilitar|\
        responder|participar|colaborar|decirte|revelar",
    flat: "me niego|debo negarme|debo rechazar|tengo que rechazar|tengo que negarme",
    limits: "consejo médico|consejos médicos|asesoramiento|diagnóstic",
    turns: "aquí tienes|aquí está|aquí te|así se hace|paso 1",
    ..NONE
};

pub(super) const ITALIAN: Tongue = Tongue {
    tag: "it",
    able: "non posso|non ti posso|non vi posso|non potrò|non sono in grado|non intendo|non possiamo",
    act: "aiutar|assister|fornir|dar|far|scriver|crear|rispond|condivid|soddisf|partecip|rivel",
    flat: "mi rifiuto|devo rifiutare|devo declinare",
    limits: "consigli medici|parere medico|consulenza|diagnosi",
    turns: "ecco come|ecco un|ecco il|ecco la|passo 1",
    ..NONE
};

pub(super) const PORTUGUESE: Tongue = Tongue {
    tag: "pt",
    able: "não posso|não te posso|não lhe posso|não poderei|não vou|não consigo|não podemos",
    act: "ajudar|ajudá|auxiliar|fornecer|dar|fazer|escrever|criar|compartilhar|partilhar|responder|atender|\
        gerar|revelar",
    flat: "me recuso|recuso-me|preciso recusar|devo recusar|tenho que recusar",
    limits: "conselho médico|conselhos médicos|aconselhamento|diagnóstic",
    turns: "aqui está|aqui estão|aqui vai|veja como|passo 1",
    ..NONE
};

pub(super) const DUTCH: Tongue = Tongue {
    tag: "nl",
    able: "ik kan|kan ik|ik mag|mag ik|ik wil|wil ik|ik ga|ga ik|ik zal",
    not: "niet|geen",
    act: "helpen|assisteren|geven|schrijven|maken|doen|verstrekken|delen|beantwoorden|meewerken|opstellen",
    flat: "ik weiger|ik moet dit weigeren|moet ik weigeren",
    limits: "medisch advies|juridisch advies|diagnose",
    turns: "zo doe je|hier is een|hier is de|hier is het|stap 1",
    ..NONE
};

pub(super) const POLISH: Tongue = Tongue {
    tag: "pl",
    able: "nie mogę|nie jestem w stanie|nie będę|nie zamierzam|nie możemy|nie potrafię",
    act: "pomóc|pomagać|podać|udostępnić|napisać|pisać|stworzyć|zrobić|odpowiedzieć|udzielić|wygenerować|\
        spełnić",
    flat: "odmawiam|muszę odmówić",
    limits: "porad medycznych|porady medycznej|porad prawnych|diagnoz",
    turns: "oto jak|oto przykład|oto wzór|krok 1",
    ..NONE
};

pub(super) const SWEDISH: Tongue = Tongue {
    tag: "sv",
    able: "jag kan|kan jag|jag får|jag vill|jag tänker|vill jag",
    not: "inte|ej",
    act: "hjälpa|ge |skriva|göra|skapa|dela|svara|bistå",
    flat: "jag vägrar|måste jag avböja|jag måste avböja",
    limits: "medicinsk rådgivning|medicinska råd|diagnos",
    turns: "så här gör du|här är ett|här är en|här är stegen|steg 1",
    ..NONE
};

/// Norwegian and Danish.
pub(super) const NORSE: Tongue = Tongue {
    tag: "nb",
    able: "jeg kan|kan jeg|jeg vil|vil jeg|jeg må|jeg får",
    not: "ikke|ingen",
    act: "hjelpe|hjælpe|bistå|gi |give|skrive|gjøre|gøre|lage|lave|dele|svare",
    flat: "jeg nekter|jeg nægter|jeg må avslå|jeg må afslå",
    limits: "medisinske råd|medicinske råd|lægefaglig|diagnose",
    turns: "slik gjør du|sådan gør du|her er en|her er et|trinn 1|trin 1",
    ..NONE
};

pub(super) const RUSSIAN: Tongue = Tongue {
    tag: "ru",
    able: "не могу|не смогу|не буду|не имею права|не можем|не в состоянии",
    act: "помочь|помогать|предоставить|написать|писать|дать|сделать|делать|создать|ответить|выполнить|\
        поделиться|рассказать|составить",
    flat: "отказываюсь|вынужден отказать|вынуждена отказать|должен отказать",
    limits: "медицинск|юридическ|диагноз",
    turns: "вот как|вот пример|вот текст|шаг 1",
    ..NONE
};

pub(super) const UKRAINIAN: Tongue = Tongue {
    tag: "uk",
    able: "не можу|не зможу|не буду|не маю права|не можемо",
    act: "допомогти|допомагати|надати|написати|писати|дати|зробити|робити|створити|відповісти|виконати|\
        поділитися|розповісти",
    flat: "відмовляюся|мушу відмов|змушений відмов|змушена відмов",
    limits: "медичн|юридичн|діагноз",
    turns: "ось як|ось приклад|ось текст|крок 1",
    ..NONE
};

pub(super) const GREEK: Tongue = Tongue {
    tag: "el",
    able: "δεν μπορώ|δεν θα|δεν είμαι σε θέση",
    act: "βοηθήσω|παρέχω|δώσω|γράψω|κάνω|απαντήσω",
    flat: "αρνούμαι",
    limits: "ιατρικές συμβουλές|ιατρική συμβουλή|διάγνωση",
    turns: "ορίστε πώς|να πώς|βήμα 1",
    ..NONE
};

pub(super) const CZECH: Tongue = Tongue {
    tag: "cs",
    able: "nemohu|nemůžu|nesmím|nebudu",
    act: "pomoci|pomoct|poskytnout|napsat|psát|dát|udělat|vytvořit|odpovědět|sdílet|vyhovět",
    flat: "odmítám|musím odmítnout",
    limits: "lékařské rady|lékařskou radu|diagnóz",
    turns: "tady je návod|zde je|krok 1",
    ..NONE
};

pub(super) const HUNGARIAN: Tongue = Tongue {
    tag: "hu",
    able: "nem tudok|nem áll módomban|nem fogok",
    act: "segíteni|adni|írni|válaszolni|megtenni|készíteni",
    flat: "nem segíthetek|nem adhatok|nem írhatok|elutasítom|visszautasítom",
    limits: "orvosi tanács|jogi tanács|diagnózis",
    turns: "így csináld|íme egy|1. lépés",
    ..NONE
};

pub(super) const ROMANIAN: Tongue = Tongue {
    tag: "ro",
    able: "nu pot|nu te pot|nu vă pot|nu voi|nu sunt în măsură",
    act: "ajut|ofer|da |scri|face|cre|răspun|furniz",
    flat: "refuz|trebuie să refuz",
    limits: "sfaturi medicale|sfat medical|diagnostic",
    turns: "iată cum|iată un|iată o|pasul 1",
    ..NONE
};

pub(super) const FINNISH: Tongue = Tongue {
    tag: "fi",
    able: "en voi|en pysty|en aio|en valitettavasti voi|en saa",
    act: "auttaa|antaa|kirjoittaa|tehdä|luoda|vastata|tarjota|laatia",
    flat: "kieltäydyn",
    limits: "lääketieteellis|diagnoos",
    turns: "näin se|tässä on|vaihe 1",
    ..NONE
};
